# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""For a compiler: the functions of `counts.py`, `distincts.py`, `recent.py` and `scaling.py`, on the same arrays.

Change both; tests hold them equal. What the words mean is said in `packed.py`.
"""

from cpython cimport array
from libc.math cimport copysign, fabs, isfinite, log1p
from libc.stdlib cimport calloc, free
from libc.string cimport memmove

ctypedef long long wide
ctypedef unsigned long long hash64

ctypedef fused word:
    unsigned int
    unsigned long long

cdef enum:
    RETENTION = 2
    FLOOR = 3
    EXACT_FROM = 4
    COUNT_COLUMNS = 4
    DISTINCT_COLUMNS = 5


# -- what both kinds of series have in common ---------------------------------------------------------


cdef inline Py_ssize_t _find(word *words, word key) noexcept:
    """The place of a key, or where it would be."""
    cdef Py_ssize_t low = 0, high = words[0], middle
    while low < high:
        middle = (low + high) // 2
        if words[1 + middle] < key:
            low = middle + 1
        else:
            high = middle
    return low


cdef inline bint _holds(word *words, Py_ssize_t place, word key) noexcept:
    return place < <Py_ssize_t> words[0] and words[1 + place] == key


cdef inline Py_ssize_t _head(word *words, Py_ssize_t column, Py_ssize_t place) noexcept:
    return 1 + column * <Py_ssize_t> words[0] + place


cdef inline Py_ssize_t _first(word *words, Py_ssize_t place, Py_ssize_t columns) noexcept:
    cdef Py_ssize_t total = words[0]
    return 1 + columns * total + (<Py_ssize_t> words[total + place] if place else 0)


cdef inline Py_ssize_t _end(word *words, Py_ssize_t place, Py_ssize_t columns) noexcept:
    cdef Py_ssize_t total = words[0]
    return 1 + columns * total + <Py_ssize_t> words[1 + total + place]


cdef inline Py_ssize_t _right(word *words, wide time, Py_ssize_t first, Py_ssize_t end, Py_ssize_t width) noexcept:
    """Where the first entry after `time` begins."""
    cdef Py_ssize_t low = 0, high = (end - first) // width, middle
    while low < high:
        middle = (low + high) // 2
        if time < <wide> words[first + middle * width]:
            high = middle
        else:
            low = middle + 1
    return first + low * width


cdef inline wide _lost_until(word *words, Py_ssize_t place, Py_ssize_t columns, Py_ssize_t width) noexcept:
    cdef Py_ssize_t end = _end(words, place, columns)
    cdef wide horizon = -1, floor = words[_head(words, FLOOR, place)]
    if _first(words, place, columns) < end:
        horizon = <wide> words[end - width] - <wide> words[_head(words, RETENTION, place)]
    return floor if floor and floor > horizon else horizon


cdef inline void _raise_to(word *words, Py_ssize_t at, wide time) noexcept:
    if time > <wide> words[at]:
        words[at] = <word> time


cdef inline void _move_ends(word *words, Py_ssize_t place, Py_ssize_t by) noexcept:
    cdef Py_ssize_t at
    for at in range(_head(words, 1, place), _head(words, 2, 0)):
        words[at] += <word> by


cdef inline void _change_retention(
    word *words, Py_ssize_t place, word retention_ms, Py_ssize_t columns, Py_ssize_t width
) noexcept:
    cdef Py_ssize_t end = _end(words, place, columns), kept = _head(words, RETENTION, place)
    if _first(words, place, columns) < end and retention_ms > words[kept]:
        _raise_to(words, _head(words, FLOOR, place), <wide> words[end - width] - <wide> words[kept])
    words[kept] = retention_ms


cdef void _open(array.array words, Py_ssize_t at, Py_ssize_t count) except *:
    """Room for so many words."""
    cdef Py_ssize_t length = len(words), size = words.ob_descr.itemsize
    array.resize_smart(words, length + count)
    memmove(words.data.as_chars + (at + count) * size, words.data.as_chars + at * size, (length - at) * size)


cdef void _close(array.array words, Py_ssize_t at, Py_ssize_t count) except *:
    """Remove so many words."""
    cdef Py_ssize_t length = len(words), size = words.ob_descr.itemsize
    memmove(words.data.as_chars + at * size, words.data.as_chars + (at + count) * size, (length - at - count) * size)
    array.resize_smart(words, length - count)


# -- counts -------------------------------------------------------------------------------------------


cdef void _trim_count(array.array words, Py_ssize_t place) except *:
    cdef unsigned int *data = words.data.as_uints
    cdef Py_ssize_t first = _first(data, place, COUNT_COLUMNS), end = _end(data, place, COUNT_COLUMNS), gone
    cdef Py_ssize_t floor = _head(data, FLOOR, place)
    cdef wide horizon
    if first < end:
        horizon = <wide> data[end - 1] - data[_head(data, RETENTION, place)]
        if <wide> data[floor] <= horizon:
            data[floor] = 0
        if <wide> data[first] <= horizon:
            gone = _right(data, horizon, first, end, 1) - first
            _move_ends(data, place, -gone)
            _close(words, first, gone)


cdef void _begin_count(array.array words, Py_ssize_t place, unsigned int key, unsigned int retention_ms) except *:
    cdef Py_ssize_t total = words.data.as_uints[0], column
    cdef unsigned int end = words.data.as_uints[total + place] if place else 0
    for column in range(COUNT_COLUMNS - 1, -1, -1):
        _open(words, 1 + column * total + place, 1)
        words.data.as_uints[1 + column * total + place] = (key, end, retention_ms, 0)[column]
    words.data.as_uints[0] = total + 1


def add_count(array.array words not None, unsigned int key, wide now, Py_ssize_t cap, unsigned int retention_ms):
    """Enter an event at `now` into the series `key`, which begins here if it is new."""
    cdef unsigned int *data = words.data.as_uints
    cdef Py_ssize_t place = _find(data, key), first, end, at, gone
    if not _holds(data, place, key):
        _begin_count(words, place, key, retention_ms)
    elif data[_head(data, RETENTION, place)] != retention_ms:
        _trim_count(words, place)
        _change_retention(words.data.as_uints, place, retention_ms, COUNT_COLUMNS, 1)
    data = words.data.as_uints
    first, end = _first(data, place, COUNT_COLUMNS), _end(data, place, COUNT_COLUMNS)
    at = end
    if first < end and now < <wide> data[end - 1]:
        if now <= _lost_until(data, place, COUNT_COLUMNS, 1):
            return
        at = _right(data, now, first, end, 1)
    _open(words, at, 1)
    data = words.data.as_uints
    data[at] = <unsigned int> now
    _move_ends(data, place, 1)
    if end + 1 - first > cap:
        _trim_count(words, place)
        data = words.data.as_uints
        first = _first(data, place, COUNT_COLUMNS)
        gone = _end(data, place, COUNT_COLUMNS) - first - cap
        if gone > 0:
            _raise_to(data, _head(data, FLOOR, place), data[first + gone - 1])
            _move_ends(data, place, -gone)
            _close(words, first, gone)


cdef object _read_count(unsigned int *words, unsigned int key, wide now, wide over_ms, wide cap):
    cdef Py_ssize_t place = _find(words, key), first, end, found
    if not _holds(words, place, key):
        return 0
    first, end = _first(words, place, COUNT_COLUMNS), _end(words, place, COUNT_COLUMNS)
    cdef wide start = now - over_ms, floor = words[_head(words, FLOOR, place)], newest
    if first == end:
        return 0 if not floor or start >= floor else None
    newest = words[end - 1]
    found = end if now >= newest else _right(words, now, first, end, 1)
    found -= first if <wide> words[first] > start else _right(words, start, first, end, 1)
    if (start < newest - <wide> words[_head(words, RETENTION, place)] or start < floor) and found < cap:
        return found if start >= _lost_until(words, place, COUNT_COLUMNS, 1) else None
    return found


def read_count(array.array words, unsigned int key, wide now, wide over_ms, wide cap):
    """How many events of the series `key` lie in (now - over_ms, now]; None when that is no longer known, and
    without an array."""
    return None if words is None else _read_count(words.data.as_uints, key, now, over_ms, cap)


def read_counts(array.array words, wide now, array.array questions not None):
    """Several counts at once; `questions` are keys, lengths of windows and caps, one after the other."""
    cdef Py_ssize_t at, length = len(questions) // 3
    cdef long long *asked = questions.data.as_longlongs
    if words is None:
        return [None] * length
    cdef list found = []
    for at in range(0, 3 * length, 3):
        found.append(_read_count(words.data.as_uints, <unsigned int> asked[at], now, asked[at + 1], asked[at + 2]))
    return found


def trim_counts(array.array words not None, wide oldest):
    """Drop what no answer can depend on any more, and series that nothing after `oldest` can ask. Returns the
    longest retention of those that are left, in ms."""
    cdef unsigned int *data
    cdef Py_ssize_t place = 0, first, end, column
    cdef wide longest = 0, retention_ms
    while place < <Py_ssize_t> words.data.as_uints[0]:
        _trim_count(words, place)
        data = words.data.as_uints
        first, end = _first(data, place, COUNT_COLUMNS), _end(data, place, COUNT_COLUMNS)
        retention_ms = data[_head(data, RETENTION, place)]
        if first == end or <wide> data[end - 1] + retention_ms < oldest:
            _move_ends(data, place, first - end)
            _close(words, first, end - first)
            for column in range(COUNT_COLUMNS - 1, -1, -1):
                _close(words, _head(words.data.as_uints, column, place), 1)
            words.data.as_uints[0] -= 1
        else:
            longest = max(longest, retention_ms)
            place += 1
    return longest


# -- distinct values ----------------------------------------------------------------------------------


cdef struct Tally:
    Py_ssize_t distinct
    Py_ssize_t repeated  # the first entry whose value occurs again, or -1


cdef Tally _tally(hash64 *entries, Py_ssize_t count, bint look_for_repeated) except *:
    """How many distinct hashes there are among entries, by a table of twice as many places."""
    cdef Tally found = Tally(0, -1)
    cdef Py_ssize_t size = 8, at, place
    cdef hash64 value
    cdef hash64 small[64]
    cdef unsigned int times_of_small[64]
    while size < 2 * count:
        size *= 2
    cdef hash64 *values = small
    cdef unsigned int *times = times_of_small
    if size > 64:
        values = <hash64 *> calloc(size, sizeof(hash64))
        times = <unsigned int *> calloc(size, sizeof(unsigned int))
        if values == NULL or times == NULL:
            free(values)
            free(times)
            raise MemoryError()
    else:
        for at in range(size):
            times[at] = 0
    for at in range(count):
        value = entries[2 * at + 1]
        place = (value ^ value >> 32) & (size - 1)
        while times[place] and values[place] != value:
            place = place + 1 & size - 1
        if not times[place]:
            found.distinct += 1
            values[place] = value
        times[place] += 1
    if look_for_repeated and found.distinct < count:
        for at in range(count):
            value = entries[2 * at + 1]
            place = (value ^ value >> 32) & (size - 1)
            while values[place] != value:
                place = place + 1 & size - 1
            if times[place] > 1:
                found.repeated = at
                break
    if size > 64:
        free(values)
        free(times)
    return found


cdef void _trim_distinct(array.array words, Py_ssize_t place) except *:
    cdef hash64 *data = words.data.as_ulonglongs
    cdef Py_ssize_t first = _first(data, place, DISTINCT_COLUMNS), end = _end(data, place, DISTINCT_COLUMNS)
    cdef Py_ssize_t column, gone
    cdef wide horizon
    if first < end:
        horizon = <wide> data[end - 2] - <wide> data[_head(data, RETENTION, place)]
        for column in (FLOOR, EXACT_FROM):
            if <wide> data[_head(data, column, place)] <= horizon:
                data[_head(data, column, place)] = 0
        if <wide> data[first] <= horizon:
            gone = _right(data, horizon, first, end, 2) - first
            _move_ends(data, place, -gone)
            _close(words, first, gone)


cdef void _begin_distinct(array.array words, Py_ssize_t place, hash64 key, hash64 retention_ms) except *:
    cdef Py_ssize_t total = words.data.as_ulonglongs[0], column
    cdef hash64 end = words.data.as_ulonglongs[total + place] if place else 0
    for column in range(DISTINCT_COLUMNS - 1, -1, -1):
        _open(words, 1 + column * total + place, 1)
        words.data.as_ulonglongs[1 + column * total + place] = (key, end, retention_ms, 0, 0)[column]
    words.data.as_ulonglongs[0] = total + 1


cdef void _make_room_for_distinct(array.array words, Py_ssize_t place, Py_ssize_t cap) except *:
    cdef hash64 *data
    cdef Py_ssize_t first, count, gone, again
    cdef Tally tally
    _trim_distinct(words, place)
    while True:
        data = words.data.as_ulonglongs
        first = _first(data, place, DISTINCT_COLUMNS)
        count = (_end(data, place, DISTINCT_COLUMNS) - first) // 2
        if count <= cap:
            return
        tally = _tally(&data[first], count, True)
        gone = max(tally.repeated, 0)
        if tally.repeated < 0:
            _raise_to(data, _head(data, FLOOR, place), data[first])
        else:
            again = gone + 1
            while data[first + 2 * again + 1] != data[first + 2 * gone + 1]:
                again += 1
            _raise_to(data, _head(data, EXACT_FROM, place), data[first + 2 * again])
        _move_ends(data, place, -2)
        _close(words, first + 2 * gone, 2)


def add_distinct(array.array words not None, hash64 key, wide now, hash64 value, Py_ssize_t cap, hash64 retention_ms):
    """Enter an event at `now` with its value's hash into the series `key`, which begins here if it is new."""
    cdef hash64 *data = words.data.as_ulonglongs
    cdef Py_ssize_t place = _find(data, key), first, end, at
    if not _holds(data, place, key):
        _begin_distinct(words, place, key, retention_ms)
    elif data[_head(data, RETENTION, place)] != retention_ms:
        _trim_distinct(words, place)
        _change_retention(words.data.as_ulonglongs, place, retention_ms, DISTINCT_COLUMNS, 2)
    data = words.data.as_ulonglongs
    first, end = _first(data, place, DISTINCT_COLUMNS), _end(data, place, DISTINCT_COLUMNS)
    at = end
    if first < end and now < <wide> data[end - 2]:
        if now <= _lost_until(data, place, DISTINCT_COLUMNS, 2):
            return
        at = _right(data, now, first, end, 2)
    _open(words, at, 2)
    data = words.data.as_ulonglongs
    data[at], data[at + 1] = <hash64> now, value
    _move_ends(data, place, 2)
    if (end + 2 - first) // 2 > cap:
        _make_room_for_distinct(words, place, cap)


def read_distinct(array.array words, hash64 key, wide now, wide over_ms, wide cap):
    """How many distinct values of the series `key` lie in (now - over_ms, now]; None when that is no longer
    known, and without an array."""
    if words is None:
        return None
    cdef hash64 *data = words.data.as_ulonglongs
    cdef Py_ssize_t place = _find(data, key), first, end, begin
    if not _holds(data, place, key):
        return 0
    first, end = _first(data, place, DISTINCT_COLUMNS), _end(data, place, DISTINCT_COLUMNS)
    cdef wide start = now - over_ms, floor = data[_head(data, FLOOR, place)], found
    if first == end:
        return 0 if not floor or start >= floor else None
    begin = _right(data, start, first, end, 2)
    found = _tally(&data[begin], max(_right(data, now, first, end, 2) - begin, 0) // 2, False).distinct
    if found < cap and (
        start < _lost_until(data, place, DISTINCT_COLUMNS, 2) or now < <wide> data[_head(data, EXACT_FROM, place)]
    ):
        return None
    return found


def trim_distincts(array.array words not None, wide oldest):
    """As `trim_counts`."""
    cdef hash64 *data
    cdef Py_ssize_t place = 0, first, end, column
    cdef wide longest = 0, retention_ms
    while place < <Py_ssize_t> words.data.as_ulonglongs[0]:
        _trim_distinct(words, place)
        data = words.data.as_ulonglongs
        first, end = _first(data, place, DISTINCT_COLUMNS), _end(data, place, DISTINCT_COLUMNS)
        retention_ms = data[_head(data, RETENTION, place)]
        if first == end or <wide> data[end - 2] + retention_ms < oldest:
            _move_ends(data, place, first - end)
            _close(words, first, end - first)
            for column in range(DISTINCT_COLUMNS - 1, -1, -1):
                _close(words, _head(words.data.as_ulonglongs, column, place), 1)
            words.data.as_ulonglongs[0] -= 1
        else:
            longest = max(longest, retention_ms)
            place += 1
    return longest


# -- events and numbers -------------------------------------------------------------------------------


def remember(array.array recent not None, hash64 event, Py_ssize_t limit):
    """Enter an event; False when it is there already."""
    cdef Py_ssize_t at, length = len(recent)
    cdef hash64 *data = recent.data.as_ulonglongs
    for at in range(length):
        if data[at] == event:
            return False
    _open(recent, length, 1)
    recent.data.as_ulonglongs[length] = event
    if length + 1 > limit:
        _close(recent, 0, length + 1 - limit)
    return True


def weigh_numbers(tuple numbers not None, array.array weights not None, array.array missing not None,
                  array.array values not None):
    """The weighted sum of numbers on a logarithmic scale, which are appended to `values`; NaN where one is missing."""
    cdef Py_ssize_t at, length = len(numbers), before = len(values)
    cdef double total = 0.0, value
    cdef object number
    array.resize_smart(values, before + length)
    for at in range(length):
        number = numbers[at]
        value = float("nan") if number is None else number
        if isfinite(value):
            value = copysign(log1p(fabs(value)), value) / 5
            total += value * weights.data.as_doubles[at]
        else:
            value = float("nan")
            total += missing.data.as_doubles[at]
        values.data.as_doubles[before + at] = value
    return total
