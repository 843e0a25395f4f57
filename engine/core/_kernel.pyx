# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""For a compiler: the functions of `counts.py`, `distincts.py`, `recent.py` and others, on the same arrays.

Change both; tests hold them equal. What the words mean is said in `packed.py`.
"""

from cpython cimport array
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memmove, memset

from engine.core.values.bounds import at_least
from engine.core.values.paths import parts_of

ctypedef long long wide
ctypedef unsigned long long hash64_t

ctypedef fused word:
    unsigned int
    unsigned long long

cdef enum:
    RETENTION = 2
    FLOOR = 3
    EXACT_FROM = 4
    COUNT_COLUMNS = 4
    DISTINCT_COLUMNS = 5
    AHEAD = 3
    RUN = 12


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


cdef inline Py_ssize_t _between(
    word *words, Py_ssize_t first, Py_ssize_t end, wide after, wide until, Py_ssize_t width
) noexcept:
    """How many entries lie in (after, until]."""
    return (_right(words, until, first, end, width) - _right(words, after, first, end, width)) // width


cdef inline wide _horizon(word *words, Py_ssize_t place, Py_ssize_t columns, Py_ssize_t width) noexcept:
    cdef Py_ssize_t first = _first(words, place, columns), end = _end(words, place, columns)
    cdef Py_ssize_t at = end - (1 + AHEAD) * width
    return <wide> words[at] - <wide> words[_head(words, RETENTION, place)] if at >= first else -(1LL << 62)


cdef inline wide _lost_until(word *words, Py_ssize_t place, Py_ssize_t columns, Py_ssize_t width) noexcept:
    cdef wide horizon = _horizon(words, place, columns, width), floor = words[_head(words, FLOOR, place)]
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
    cdef Py_ssize_t kept = _head(words, RETENTION, place)
    if retention_ms > words[kept]:
        _raise_to(words, _head(words, FLOOR, place), _horizon(words, place, columns, width))
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
        horizon = _horizon(data, place, COUNT_COLUMNS, 1)
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
        if now <= _horizon(data, place, COUNT_COLUMNS, 1):
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


cdef object _read_count(unsigned int *words, unsigned int key, wide now, wide over_ms):
    cdef Py_ssize_t place = _find(words, key), first, end, found
    if not _holds(words, place, key):
        return 0
    first, end = _first(words, place, COUNT_COLUMNS), _end(words, place, COUNT_COLUMNS)
    cdef wide start = now - over_ms, lost = _lost_until(words, place, COUNT_COLUMNS, 1), known_from
    if first == end:
        return 0 if start >= lost else None
    known_from = max(start, _horizon(words, place, COUNT_COLUMNS, 1))
    found = end if now >= <wide> words[end - 1] else _right(words, now, first, end, 1)
    found -= first if <wide> words[first] > known_from else _right(words, known_from, first, end, 1)
    return found if start >= lost else at_least(found)


def read_count(array.array words, unsigned int key, wide now, wide over_ms):
    """How many events of the series `key` lie in (now - over_ms, now], as in `counts.py`."""
    return None if words is None else _read_count(words.data.as_uints, key, now, over_ms)


def read_counts(array.array words, wide now, array.array questions not None):
    """Several counts at once; `questions` are keys and lengths of windows, one after the other."""
    cdef Py_ssize_t at, length = len(questions) // 2
    cdef long long *asked = questions.data.as_longlongs
    if words is None:
        return [None] * length
    cdef list found = []
    for at in range(0, 2 * length, 2):
        found.append(_read_count(words.data.as_uints, <unsigned int> asked[at], now, asked[at + 1]))
    return found


def read_count_at(array.array words not None, unsigned int key, list times not None, wide over_ms):
    """As in counts.py."""
    return [_read_count(words.data.as_uints, key, <wide> time, over_ms) for time in times]


def times_between(array.array words not None, wide after, wide until):
    """As in counts.py."""
    cdef unsigned int *data = words.data.as_uints
    cdef Py_ssize_t place, at, end
    cdef list times = []
    for place in range(<Py_ssize_t> data[0]):
        end = _end(data, place, COUNT_COLUMNS)
        for at in range(_right(data, after, _first(data, place, COUNT_COLUMNS), end, 1), end):
            if <wide> data[at] > until:
                break
            times.append(data[at])
    return times


def count_lost_until(array.array words not None, unsigned int key):
    """As in counts.py."""
    cdef unsigned int *at = words.data.as_uints
    cdef Py_ssize_t place = _find(at, key)
    return _lost_until(at, place, COUNT_COLUMNS, 1) if _holds(at, place, key) else None


def count_entries(array.array words not None, unsigned int key, wide after, wide until):
    """As in counts.py."""
    cdef unsigned int *at = words.data.as_uints
    cdef Py_ssize_t place = _find(at, key)
    if not _holds(at, place, key):
        return 0
    return _between(at, _first(at, place, COUNT_COLUMNS), _end(at, place, COUNT_COLUMNS), after, until, 1)


def distinct_entries(array.array words not None, hash64_t key, wide after, wide until):
    """As in distincts.py."""
    cdef hash64_t *at = <hash64_t *> words.data.as_voidptr
    cdef Py_ssize_t place = _find(at, key)
    if not _holds(at, place, key):
        return 0
    return _between(at, _first(at, place, DISTINCT_COLUMNS), _end(at, place, DISTINCT_COLUMNS), after, until, 2)


def trim_counts(array.array words not None, wide oldest):
    """Drop what no answer can depend on any more, and series that nothing after `oldest` can ask. Returns the
    longest retention of those that are left, in ms."""
    cdef unsigned int *data
    cdef Py_ssize_t place = 0, first, end, column
    cdef wide longest = 0, retention_ms, newest
    while place < <Py_ssize_t> words.data.as_uints[0]:
        _trim_count(words, place)
        data = words.data.as_uints
        first, end = _first(data, place, COUNT_COLUMNS), _end(data, place, COUNT_COLUMNS)
        retention_ms = data[_head(data, RETENTION, place)]
        newest = max(<wide> data[end - 1] if first < end else 0, <wide> data[_head(data, FLOOR, place)])
        if newest == 0 or newest + retention_ms < oldest:
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


cdef Tally _tally(hash64_t *entries, Py_ssize_t count, bint look_for_repeated) except *:
    """How many distinct hashes there are among entries, by a table of twice as many places."""
    cdef Tally found = Tally(0, -1)
    cdef Py_ssize_t size = 8, at, place
    cdef hash64_t value
    cdef hash64_t small[64]
    cdef unsigned int times_of_small[64]
    while size < 2 * count:
        size *= 2
    cdef hash64_t *values = small
    cdef unsigned int *times = times_of_small
    if size > 64:
        values = <hash64_t *> calloc(size, sizeof(hash64_t))
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
    cdef hash64_t *data = words.data.as_ulonglongs
    cdef Py_ssize_t first = _first(data, place, DISTINCT_COLUMNS), end = _end(data, place, DISTINCT_COLUMNS)
    cdef Py_ssize_t column, gone
    cdef wide horizon
    if first < end:
        horizon = _horizon(data, place, DISTINCT_COLUMNS, 2)
        for column in (FLOOR, EXACT_FROM):
            if <wide> data[_head(data, column, place)] <= horizon:
                data[_head(data, column, place)] = 0
        if <wide> data[first] <= horizon:
            gone = _right(data, horizon, first, end, 2) - first
            _move_ends(data, place, -gone)
            _close(words, first, gone)


cdef void _begin_distinct(array.array words, Py_ssize_t place, hash64_t key, hash64_t retention_ms) except *:
    cdef Py_ssize_t total = words.data.as_ulonglongs[0], column
    cdef hash64_t end = words.data.as_ulonglongs[total + place] if place else 0
    for column in range(DISTINCT_COLUMNS - 1, -1, -1):
        _open(words, 1 + column * total + place, 1)
        words.data.as_ulonglongs[1 + column * total + place] = (key, end, retention_ms, 0, 0)[column]
    words.data.as_ulonglongs[0] = total + 1


cdef void _make_room_for_distinct(array.array words, Py_ssize_t place, Py_ssize_t cap) except *:
    cdef hash64_t *data
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


def add_distinct(array.array words not None, hash64_t key, wide now, hash64_t value, Py_ssize_t cap, hash64_t retention_ms):
    """Enter an event at `now` with its value's hash into the series `key`, which begins here if it is new."""
    cdef hash64_t *data = words.data.as_ulonglongs
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
        if now <= _horizon(data, place, DISTINCT_COLUMNS, 2):
            return
        at = _right(data, now, first, end, 2)
    _open(words, at, 2)
    data = words.data.as_ulonglongs
    data[at], data[at + 1] = <hash64_t> now, value
    _move_ends(data, place, 2)
    if (end + 2 - first) // 2 > cap:
        _make_room_for_distinct(words, place, cap)


def read_distinct(array.array words, hash64_t key, wide now, wide over_ms):
    """How many distinct values of the series `key` lie in (now - over_ms, now], as in `distincts.py`."""
    if words is None:
        return None
    cdef hash64_t *data = words.data.as_ulonglongs
    cdef Py_ssize_t place = _find(data, key), first, end, begin
    if not _holds(data, place, key):
        return 0
    first, end = _first(data, place, DISTINCT_COLUMNS), _end(data, place, DISTINCT_COLUMNS)
    cdef wide start = now - over_ms, lost = _lost_until(data, place, DISTINCT_COLUMNS, 2), found
    begin = _right(data, max(start, _horizon(data, place, DISTINCT_COLUMNS, 2)), first, end, 2)
    found = _tally(&data[begin], max(_right(data, now, first, end, 2) - begin, 0) // 2, False).distinct
    if start >= lost and now >= <wide> data[_head(data, EXACT_FROM, place)]:
        return found
    return at_least(found)


def read_distinct_at(array.array words not None, hash64_t key, list times not None, wide over_ms):
    """As in distincts.py: one pass over the entries, by a table of how often each value is in the window."""
    cdef hash64_t *data = words.data.as_ulonglongs
    cdef Py_ssize_t place = _find(data, key), first, end, begin, until, slot, size = 8, distinct = 0
    cdef wide now, lost, horizon, exact_from
    cdef list found = []
    if not _holds(data, place, key) or not times:
        return [0] * len(times)
    first, end = _first(data, place, DISTINCT_COLUMNS), _end(data, place, DISTINCT_COLUMNS)
    horizon, lost = _horizon(data, place, DISTINCT_COLUMNS, 2), _lost_until(data, place, DISTINCT_COLUMNS, 2)
    exact_from = data[_head(data, EXACT_FROM, place)]
    begin = until = _right(data, max(<wide> times[0] - over_ms, horizon), first, end, 2)
    while size < end - begin:
        size *= 2
    cdef hash64_t *values = <hash64_t *> calloc(size, sizeof(hash64_t))
    cdef int *occurrences = <int *> calloc(size, sizeof(int))  # -1: none any more, but the place is taken
    if values == NULL or occurrences == NULL:
        free(values)
        free(occurrences)
        raise MemoryError()
    for time in times:
        now = time
        while until < end and <wide> data[until] <= now:
            slot = _slot(values, occurrences, size, data[until + 1])
            if occurrences[slot] <= 0:
                values[slot], occurrences[slot] = data[until + 1], 0
                distinct += 1
            occurrences[slot] += 1
            until += 2
        while begin < until and <wide> data[begin] <= max(now - over_ms, horizon):
            slot = _slot(values, occurrences, size, data[begin + 1])
            occurrences[slot] -= 1
            if occurrences[slot] == 0:
                occurrences[slot] = -1
                distinct -= 1
            begin += 2
        found.append(distinct if now - over_ms >= lost and now >= exact_from else at_least(distinct))
    free(values)
    free(occurrences)
    return found


cdef inline Py_ssize_t _slot(hash64_t *values, int *occurrences, Py_ssize_t size, hash64_t value) noexcept:
    """Where a value stands in a table, or would stand."""
    cdef Py_ssize_t slot = (value ^ value >> 32) & (size - 1)
    while occurrences[slot] and values[slot] != value:
        slot = slot + 1 & size - 1
    return slot


def distinct_times_between(array.array words not None, wide after, wide until):
    """As in distincts.py."""
    cdef hash64_t *data = words.data.as_ulonglongs
    cdef Py_ssize_t place, at, end
    cdef list times = []
    for place in range(<Py_ssize_t> data[0]):
        end = _end(data, place, DISTINCT_COLUMNS)
        for at in range(_right(data, after, _first(data, place, DISTINCT_COLUMNS), end, 2), end, 2):
            if <wide> data[at] > until:
                break
            times.append(data[at])
    return times


def first_time(array.array words not None, hash64_t key, hash64_t value, wide start, wide until):
    """As in distincts.py."""
    cdef hash64_t *data = words.data.as_ulonglongs
    cdef Py_ssize_t place = _find(data, key), at, end
    if not _holds(data, place, key):
        return None
    end = _end(data, place, DISTINCT_COLUMNS)
    for at in range(_right(data, start, _first(data, place, DISTINCT_COLUMNS), end, 2), end, 2):
        if <wide> data[at] > until:
            break
        if data[at + 1] == value:
            return data[at]
    return None


def distinct_lost_until(array.array words not None, hash64_t key):
    """As in distincts.py."""
    cdef hash64_t *at = words.data.as_ulonglongs
    cdef Py_ssize_t place = _find(at, key)
    return _lost_until(at, place, DISTINCT_COLUMNS, 2) if _holds(at, place, key) else None


def trim_distincts(array.array words not None, wide oldest):
    """As `trim_counts`."""
    cdef hash64_t *data
    cdef Py_ssize_t place = 0, first, end, column
    cdef wide longest = 0, retention_ms, newest
    while place < <Py_ssize_t> words.data.as_ulonglongs[0]:
        _trim_distinct(words, place)
        data = words.data.as_ulonglongs
        first, end = _first(data, place, DISTINCT_COLUMNS), _end(data, place, DISTINCT_COLUMNS)
        retention_ms = data[_head(data, RETENTION, place)]
        newest = max(<wide> data[end - 2] if first < end else 0, <wide> data[_head(data, FLOOR, place)])
        if newest == 0 or newest + retention_ms < oldest:
            _move_ends(data, place, first - end)
            _close(words, first, end - first)
            for column in range(DISTINCT_COLUMNS - 1, -1, -1):
                _close(words, _head(words.data.as_ulonglongs, column, place), 1)
            words.data.as_ulonglongs[0] -= 1
        else:
            longest = max(longest, retention_ms)
            place += 1
    return longest


# -- events ------------------------------------------------------------------------------------------


def remember(array.array recent not None, hash64_t identity, hash64_t content, Py_ssize_t limit):
    """Enter an event, as in `recent.py`."""
    cdef Py_ssize_t at, length = len(recent)
    cdef hash64_t *data = recent.data.as_ulonglongs
    cdef hash64_t event = identity & 0xFFFFFFFF00000000 | content & 0xFFFFFFFF
    cdef int found = 1
    for at in range(length):
        if data[at] == event:
            return 0
        if data[at] >> 32 == event >> 32:
            found = 2
    _open(recent, length, 1)
    recent.data.as_ulonglongs[length] = event
    if length + 1 > limit:
        _close(recent, 0, length + 1 - limit)
    return found


# -- BLAKE2b (RFC 7693), 64 bits of it -----------------------------------------------------------------


cdef extern from *:
    """
    #include <stdint.h>
    static const uint64_t INITIAL[8] = {
        0x6A09E667F3BCC908ULL, 0xBB67AE8584CAA73BULL, 0x3C6EF372FE94F82BULL, 0xA54FF53A5F1D36F1ULL,
        0x510E527FADE682D1ULL, 0x9B05688C2B3E6C1FULL, 0x1F83D9ABFB41BD6BULL, 0x5BE0CD19137E2179ULL,
    };
    #define ROTATED(value, by) ((value) >> (by) | (value) << (64 - (by)))
    #define MIX(a, b, c, d, x, y) \\
        a += b + x; d = ROTATED(d ^ a, 32); c += d; b = ROTATED(b ^ c, 24); \\
        a += b + y; d = ROTATED(d ^ a, 16); c += d; b = ROTATED(b ^ c, 63);
    // One round, with the words of the block in its order. In C, so that a compiler keeps all of it in registers.
    #define ROUND(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p) \\
        MIX(v0, v4, v8, v12, w[a], w[b]) MIX(v1, v5, v9, v13, w[c], w[d]) \\
        MIX(v2, v6, v10, v14, w[e], w[f]) MIX(v3, v7, v11, v15, w[g], w[h]) \\
        MIX(v0, v5, v10, v15, w[i], w[j]) MIX(v1, v6, v11, v12, w[k], w[l]) \\
        MIX(v2, v7, v8, v13, w[m], w[n]) MIX(v3, v4, v9, v14, w[o], w[p])
    static void compress(uint64_t *state, const uint64_t *w, uint64_t length, int last) {
        uint64_t v0 = state[0], v1 = state[1], v2 = state[2], v3 = state[3];
        uint64_t v4 = state[4], v5 = state[5], v6 = state[6], v7 = state[7];
        uint64_t v8 = INITIAL[0], v9 = INITIAL[1], v10 = INITIAL[2], v11 = INITIAL[3];
        uint64_t v12 = INITIAL[4] ^ length, v13 = INITIAL[5], v14 = last ? ~INITIAL[6] : INITIAL[6], v15 = INITIAL[7];
        ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
        ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3)
        ROUND(11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4)
        ROUND(7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8)
        ROUND(9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13)
        ROUND(2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9)
        ROUND(12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11)
        ROUND(13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10)
        ROUND(6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5)
        ROUND(10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0)
        ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
        ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3)
        state[0] ^= v0 ^ v8; state[1] ^= v1 ^ v9; state[2] ^= v2 ^ v10; state[3] ^= v3 ^ v11;
        state[4] ^= v4 ^ v12; state[5] ^= v5 ^ v13; state[6] ^= v6 ^ v14; state[7] ^= v7 ^ v15;
    }
    """
    ctypedef unsigned long long uint64_t
    const uint64_t INITIAL[8]
    void compress(uint64_t *state, const uint64_t *block, uint64_t length, int last) noexcept


cdef struct Start:
    Py_ssize_t key_bytes
    uint64_t fresh[8]  # before the key
    uint64_t keyed[8]  # with the key's block behind it
    uint64_t key[16]


cdef Start _START


def set_hash_key(bytes key not None):
    """As in `hashing.py`; at most 64 bytes."""
    _START.key_bytes = len(key)
    memcpy(_START.fresh, INITIAL, sizeof(_START.fresh))
    _START.fresh[0] ^= <uint64_t> (0x01010000 ^ (len(key) << 8) ^ 8)
    memset(_START.key, 0, sizeof(_START.key))
    memcpy(_START.key, <const unsigned char *> key, len(key))
    memcpy(_START.keyed, _START.fresh, sizeof(_START.keyed))
    if len(key):
        compress(_START.keyed, _START.key, 128, False)


set_hash_key(b"")


def hash_bytes(bytes data not None):
    """64 bits of keyed BLAKE2b, as `hashing.py` has them."""
    return _hashed(data, len(data))


cdef uint64_t _hashed(const unsigned char *at, Py_ssize_t left) noexcept:
    cdef Py_ssize_t done = 0, before = 128 if _START.key_bytes else 0, size
    cdef uint64_t state[8]
    cdef uint64_t block[16]
    if left == 0 and before:  # the key's block is the last one
        memcpy(state, _START.fresh, sizeof(state))
        compress(state, _START.key, 128, True)
        return state[0]
    memcpy(state, _START.keyed, sizeof(state))
    while True:
        size = min(left, 128)
        if size < 128:
            memset(block, 0, sizeof(block))
        memcpy(block, at + done, size)
        done += size
        left -= size
        compress(state, block, before + done, left == 0)
        if left == 0:
            return state[0]


def hash64(str text not None):
    """The same of a text."""
    cdef Py_ssize_t size
    cdef const char *data = PyUnicode_AsUTF8AndSize(text, &size)
    return _hashed(<const unsigned char *> data, size)


def hash_all(list texts not None):
    """The same of several, as an array."""
    cdef Py_ssize_t at, length = len(texts), size
    cdef array.array found = array.clone(_HASHES, length, False)
    cdef const char *data
    for at in range(length):
        data = PyUnicode_AsUTF8AndSize(texts[at], &size)
        found.data.as_ulonglongs[at] = _hashed(<const unsigned char *> data, size)
    return found


def identity_of(str user_id not None, str kind not None, str event_id not None):
    """The identity of an event, as `identity.py` has it."""
    cdef unsigned char text[1024]
    cdef Py_ssize_t users, kinds, ids, at
    cdef const char *user = PyUnicode_AsUTF8AndSize(user_id, &users)
    cdef const char *type_ = PyUnicode_AsUTF8AndSize(kind, &kinds)
    cdef const char *own = PyUnicode_AsUTF8AndSize(event_id, &ids)
    if users + kinds + ids > 900:
        return hash_bytes(f"{len(user_id)}:{user_id}{len(kind)}:{kind}{event_id}".encode())
    at = _number(text, len(user_id))
    memcpy(text + at, user, users)
    at += users
    at += _number(text + at, len(kind))
    memcpy(text + at, type_, kinds)
    at += kinds
    memcpy(text + at, own, ids)
    return _hashed(text, at + ids)


cdef inline Py_ssize_t _number(unsigned char *text, Py_ssize_t number) noexcept:
    """Write a number of at most four digits, and a colon; returns how long that is."""
    cdef Py_ssize_t digits = 1 + (number > 9) + (number > 99) + (number > 999), at
    for at in range(digits - 1, -1, -1):
        text[at] = <unsigned char> (48 + number % 10)
        number //= 10
    text[digits] = 58
    return digits + 1


# -- an event and its entity ---------------------------------------------------------------------------


cdef inline bint _is_name(object value) noexcept:
    return type(value) is str and 0 < len(<str> value) <= 256


def plain_identity(dict document not None):
    """(event_id, type, user_id, ts) of an event that is written in the plainest way, else None: as `identity.py`."""
    cdef object event_id = document.get("event_id"), kind = document.get("type")
    cdef object user_id = document.get("user_id"), ts_ms = document.get("ts"), value
    if not (_is_name(event_id) and _is_name(kind) and _is_name(user_id) and type(ts_ms) is int):
        return None
    for name in ("ip", "device_id", "target_id", "text"):
        value = document.get(name)
        if value is not None and type(value) is not str:
            return None
    value = document.get("ip")
    if value is not None and "," in <str> value:
        return None
    for name in ("clock_skew", "invalid_fields", "conflicting_ids"):
        if name in document:
            return None
    return event_id, kind, user_id, ts_ms


cdef dict _PARTS = {}


def lookup(dict document not None, str path not None):
    """As in paths.py."""
    if "." not in path:
        return document.get(path)
    cdef object value = document
    cdef tuple parts = <tuple> _PARTS.get(path)
    if parts is None:
        if len(_PARTS) > 4_096:  # rulebooks have fewer, but come and go
            _PARTS.clear()
        _PARTS[path] = parts = parts_of(path)
    for part in parts:
        if type(value) is not dict:
            value = None
            break
        value = (<dict> value).get(part)
    return value if value is not None else document.get(path)


def is_usual(dict fields not None, usual not None):
    """As in shapes.py."""
    cdef dict types = usual.types, inner = usual.inner
    cdef object name, value, expected
    for name, value in fields.items():
        expected = types.get(name)
        if expected is not None and type(value) not in <frozenset> expected:
            if type(value) is not dict or name not in inner or not is_usual(value, inner[name]):
                return False
    return True


def murmur2(bytes data not None):
    """As aiokafka has it (partitioner.py): MurmurHash2, by which Kafka's clients place keys."""
    cdef const unsigned char *at = data
    cdef Py_ssize_t place, length = len(data), whole = length & ~3
    cdef unsigned int word, value = 0x9747B28C ^ <unsigned int> length
    for place in range(0, whole, 4):
        memcpy(&word, at + place, 4)
        word *= 0x5BD1E995
        word = (word ^ word >> 24) * 0x5BD1E995
        value = value * 0x5BD1E995 ^ word
    if length > whole:
        for place in range(length - 1, whole - 1, -1):
            value ^= <unsigned int> at[place] << 8 * (place - whole)
        value *= 0x5BD1E995
    value = (value ^ value >> 13) * 0x5BD1E995
    return value ^ value >> 15


def smallest_hashes(bytes data not None, array.array factors not None):
    """As in min_hashes.py."""
    cdef const unsigned char *at = data
    cdef Py_ssize_t run, runs = len(data) - RUN + 1
    cdef hash64_t *factor = <hash64_t *> factors.data.as_voidptr
    cdef hash64_t head, tail, value, first = <hash64_t> -1, second = <hash64_t> -1
    for run in range(runs):
        memcpy(&head, at + run, 8)
        memcpy(&tail, at + run + RUN - 8, 8)
        value = (head * factor[0]) ^ (tail * factor[1])
        value = (value ^ (value >> 29)) * factor[2]
        first = min(first, value)
        value = (value ^ (value >> 29)) * factor[3]
        second = min(second, value ^ (value >> 29))
    return first, second


def pack_record(int version, int more, wide offset, wide hops, wide base_ms, unsigned int newest, unsigned int expires_s,
                array.array counts not None, array.array distincts not None, array.array recent not None):
    """The start of a record, as `records.py` has it."""
    cdef Py_ssize_t n_counts = 4 * len(counts), n_distincts = 8 * len(distincts), n_recent = 8 * len(recent)
    cdef bytes made = PyBytes_FromStringAndSize(NULL, 44 + n_counts + n_distincts + n_recent)
    cdef char *at = made
    cdef unsigned short length = len(recent)
    cdef unsigned int lengths[2]
    lengths[0], lengths[1] = len(counts), len(distincts)
    at[0], at[1] = version, more
    memcpy(at + 2, &offset, 8)
    memcpy(at + 10, &hops, 8)
    memcpy(at + 18, &base_ms, 8)
    memcpy(at + 26, &newest, 4)
    memcpy(at + 30, &expires_s, 4)
    memcpy(at + 34, &length, 2)
    memcpy(at + 36, lengths, 8)
    memcpy(at + 44, counts.data.as_chars, n_counts)
    memcpy(at + 44 + n_counts, distincts.data.as_chars, n_distincts)
    memcpy(at + 44 + n_counts + n_distincts, recent.data.as_chars, n_recent)
    return made


def pack_note(unsigned int time, unsigned int user_partition, hash64_t content, tuple texts not None):
    """As in packing.py. Raises OverflowError or ValueError."""
    cdef Py_ssize_t place, end = 24
    cdef const char *parts[4]
    cdef Py_ssize_t sizes[4]
    cdef unsigned short lengths[4]
    if len(texts) != 4:
        raise ValueError("it has four texts")
    for place in range(4):
        parts[place] = PyUnicode_AsUTF8AndSize(texts[place], &sizes[place])
        if sizes[place] > 65_535:
            raise ValueError("a text is too long")
        lengths[place] = sizes[place]
        end += sizes[place]
    cdef bytes made = PyBytes_FromStringAndSize(NULL, end)
    cdef char *at = made
    memcpy(at, &time, 4)
    memcpy(at + 4, &user_partition, 4)
    memcpy(at + 8, &content, 8)
    memcpy(at + 16, lengths, 8)
    at += 24
    for place in range(4):
        memcpy(at, parts[place], sizes[place])
        at += sizes[place]
    return made


cdef bint _is_sound(word *words, Py_ssize_t length, Py_ssize_t columns, Py_ssize_t width) noexcept:
    """Whether words that come from elsewhere fill their room, as in `packed.py`."""
    if length == 0 or <hash64_t> words[0] > <hash64_t> length:
        return False
    cdef Py_ssize_t total = words[0], place
    cdef word before = 0, end
    if length < 1 + columns * total:
        return False
    for place in range(total):
        end = words[1 + total + place]
        if end < before or end % <word> width or <hash64_t> end > <hash64_t> length:
            return False
        before = end
    return length == 1 + columns * total + <Py_ssize_t> before


def unpack_record(bytes data not None):
    """(version, more, offset, hops, base_ms, newest, counts, distincts, recent, end) of the start of a record. Raises
    ValueError."""
    cdef const char *at = data
    cdef Py_ssize_t length = len(data)
    cdef wide numbers[3]
    cdef unsigned int newest, lengths[2]
    cdef unsigned short n_recent
    if length < 44:
        raise ValueError("it ends too early")
    memcpy(numbers, at + 2, 24)
    memcpy(&newest, at + 26, 4)
    memcpy(&n_recent, at + 34, 2)
    memcpy(lengths, at + 36, 8)
    cdef Py_ssize_t first = 44 + 4 * <Py_ssize_t> lengths[0], second = first + 8 * <Py_ssize_t> lengths[1]
    cdef Py_ssize_t end = second + 8 * <Py_ssize_t> n_recent
    if end > length:
        raise ValueError("it ends too early")
    cdef array.array counts = array.clone(_WORDS, lengths[0], False)
    cdef array.array distincts = array.clone(_HASHES, lengths[1], False)
    cdef array.array recent = array.clone(_HASHES, n_recent, False)
    memcpy(counts.data.as_chars, at + 44, first - 44)
    memcpy(distincts.data.as_chars, at + first, second - first)
    memcpy(recent.data.as_chars, at + second, end - second)
    if not (
        _is_sound(counts.data.as_uints, lengths[0], COUNT_COLUMNS, 1)
        and _is_sound(distincts.data.as_ulonglongs, lengths[1], DISTINCT_COLUMNS, 2)
    ):
        raise ValueError("its series do not fill their room")
    return (
        <unsigned char> at[0], <unsigned char> at[1], numbers[0], numbers[1], numbers[2], newest,
        counts, distincts, recent, end,
    )


cdef array.array _WORDS = array.array("I")
cdef array.array _HASHES = array.array("Q")
