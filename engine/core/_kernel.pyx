# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""For a compiler: the functions of `counts.py`, `recent.py` and `scaling.py`, on the same arrays.

Change both; tests hold them equal.
"""

from cpython cimport array
from libc.math cimport copysign, fabs, isfinite, log1p
from libc.string cimport memmove

ctypedef unsigned int word
ctypedef long long wide


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


cdef inline Py_ssize_t _right(word *words, wide value, Py_ssize_t low, Py_ssize_t high) noexcept:
    """bisect_right."""
    cdef Py_ssize_t middle
    while low < high:
        middle = (low + high) // 2
        if value < <wide> words[middle]:
            high = middle
        else:
            low = middle + 1
    return low


cdef inline Py_ssize_t _first(word *words, Py_ssize_t place) noexcept:
    cdef Py_ssize_t total = words[0]
    return 1 + 4 * total + (<Py_ssize_t> words[total + place] if place else 0)


cdef inline Py_ssize_t _end(word *words, Py_ssize_t place) noexcept:
    cdef Py_ssize_t total = words[0]
    return 1 + 4 * total + <Py_ssize_t> words[1 + total + place]


cdef inline wide _lost_until(word *words, Py_ssize_t place) noexcept:
    cdef Py_ssize_t total = words[0], end = _end(words, place)
    cdef wide horizon = -1, floor = words[1 + 3 * total + place]
    if _first(words, place) < end:
        horizon = <wide> words[end - 1] - words[1 + 2 * total + place]
    return floor if floor and floor > horizon else horizon


cdef inline void _move_ends(word *words, Py_ssize_t place, int by) noexcept:
    cdef Py_ssize_t total = words[0], at
    for at in range(1 + total + place, 1 + 2 * total):
        words[at] += by


cdef void _insert(array.array words, Py_ssize_t at, word value) except *:
    cdef Py_ssize_t length = len(words)
    array.resize_smart(words, length + 1)
    memmove(&words.data.as_uints[at + 1], &words.data.as_uints[at], (length - at) * sizeof(word))
    words.data.as_uints[at] = value


cdef void _remove(array.array words, Py_ssize_t at, Py_ssize_t count) except *:
    cdef Py_ssize_t length = len(words)
    memmove(&words.data.as_uints[at], &words.data.as_uints[at + count], (length - at - count) * sizeof(word))
    array.resize_smart(words, length - count)


cdef void _drop(array.array words, Py_ssize_t place, Py_ssize_t gone) except *:
    if gone:
        _remove(words, _first(words.data.as_uints, place), gone)
        _move_ends(words.data.as_uints, place, -<int> gone)


cdef void _trim(array.array words, Py_ssize_t place) except *:
    cdef word *data = words.data.as_uints
    cdef Py_ssize_t total = data[0], first = _first(data, place), end = _end(data, place)
    cdef wide horizon
    if first < end:
        horizon = <wide> data[end - 1] - data[1 + 2 * total + place]
        if <wide> data[1 + 3 * total + place] <= horizon:
            data[1 + 3 * total + place] = 0
        if <wide> data[first] <= horizon:
            _drop(words, place, _right(data, horizon, first, end) - first)


cdef void _begin(array.array words, Py_ssize_t place, word key, word retention_ms) except *:
    cdef Py_ssize_t total = words.data.as_uints[0]
    cdef word end = words.data.as_uints[total + place] if place else 0
    _insert(words, 1 + 3 * total + place, 0)
    _insert(words, 1 + 2 * total + place, retention_ms)
    _insert(words, 1 + total + place, end)
    _insert(words, 1 + place, key)
    words.data.as_uints[0] = total + 1


cdef void _finish(array.array words, Py_ssize_t place) except *:
    cdef word *data = words.data.as_uints
    cdef Py_ssize_t total = data[0], column
    _drop(words, place, _end(data, place) - _first(data, place))
    for column in (3, 2, 1, 0):
        _remove(words, 1 + column * total + place, 1)
    words.data.as_uints[0] = total - 1


cdef void _retain(array.array words, Py_ssize_t place, word retention_ms) except *:
    _trim(words, place)
    cdef word *data = words.data.as_uints
    cdef Py_ssize_t total = data[0], end = _end(data, place)
    cdef wide given_up
    if _first(data, place) < end and retention_ms > data[1 + 2 * total + place]:
        given_up = <wide> data[end - 1] - data[1 + 2 * total + place]
        if given_up > <wide> data[1 + 3 * total + place]:
            data[1 + 3 * total + place] = <word> given_up
    data[1 + 2 * total + place] = retention_ms


cdef void _make_room(array.array words, Py_ssize_t place, Py_ssize_t cap) except *:
    _trim(words, place)
    cdef word *data = words.data.as_uints
    cdef Py_ssize_t first = _first(data, place), gone = _end(data, place) - first - cap
    cdef Py_ssize_t floor = 1 + 3 * <Py_ssize_t> data[0] + place
    if gone > 0:
        if data[first + gone - 1] > data[floor]:
            data[floor] = data[first + gone - 1]
        _drop(words, place, gone)


def add_count(array.array words not None, word key, wide now, Py_ssize_t cap, word retention_ms):
    """Enter an event at `now` into the series `key`, which begins here if it is new."""
    cdef word *data = words.data.as_uints
    cdef Py_ssize_t place = _find(data, key), first, end
    if place == <Py_ssize_t> data[0] or data[1 + place] != key:
        _begin(words, place, key, retention_ms)
    elif data[1 + 2 * <Py_ssize_t> data[0] + place] != retention_ms:
        _retain(words, place, retention_ms)
    data = words.data.as_uints
    first, end = _first(data, place), _end(data, place)
    if first == end or now >= <wide> data[end - 1]:
        _insert(words, end, <word> now)
    elif now > _lost_until(data, place):
        _insert(words, _right(data, now, first, end), <word> now)
    else:
        return
    _move_ends(words.data.as_uints, place, 1)
    if end + 1 - first > cap:
        _make_room(words, place, cap)


cdef object _read(word *words, word key, wide now, wide over_ms, wide cap):
    cdef Py_ssize_t total = words[0], place = _find(words, key), first, end, found
    if place == total or words[1 + place] != key:
        return 0
    first, end = _first(words, place), _end(words, place)
    cdef wide start = now - over_ms, floor = words[1 + 3 * total + place], newest
    if first == end:
        return 0 if not floor or start >= floor else None
    newest = words[end - 1]
    found = end if now >= newest else _right(words, now, first, end)
    found -= first if <wide> words[first] > start else _right(words, start, first, end)
    if (start < newest - <wide> words[1 + 2 * total + place] or start < floor) and found < cap:
        return found if start >= _lost_until(words, place) else None
    return found


def read_count(array.array words, word key, wide now, wide over_ms, wide cap):
    """How many events of the series `key` lie in (now - over_ms, now]; None when that is no longer known, and
    without an array."""
    return None if words is None else _read(words.data.as_uints, key, now, over_ms, cap)


def read_counts(array.array words, wide now, array.array questions not None):
    """Several counts at once; `questions` are keys, lengths of windows and caps, one after the other."""
    cdef Py_ssize_t at, length = len(questions) // 3
    cdef long long *asked = questions.data.as_longlongs
    if words is None:
        return (None,) * length
    cdef list found = []
    for at in range(0, 3 * length, 3):
        found.append(_read(words.data.as_uints, <word> asked[at], now, asked[at + 1], asked[at + 2]))
    return found


def trim_counts(array.array words not None, wide oldest):
    """Drop what no answer can depend on any more, and series that nothing after `oldest` can ask. Returns the
    longest retention of those that are left, in ms."""
    cdef word *data
    cdef Py_ssize_t place = 0, end
    cdef wide longest = 0, retention_ms
    while place < <Py_ssize_t> words.data.as_uints[0]:
        _trim(words, place)
        data = words.data.as_uints
        end = _end(data, place)
        retention_ms = data[1 + 2 * <Py_ssize_t> data[0] + place]
        if _first(data, place) == end or <wide> data[end - 1] + retention_ms < oldest:
            _finish(words, place)
        else:
            longest = max(longest, retention_ms)
            place += 1
    return longest


def remember(array.array recent not None, unsigned long long event, Py_ssize_t limit):
    """Enter an event; False when it is there already."""
    cdef Py_ssize_t at, length = len(recent)
    cdef unsigned long long *data = recent.data.as_ulonglongs
    for at in range(length):
        if data[at] == event:
            return False
    if length >= limit:
        memmove(data, &data[1 + length - limit], (limit - 1) * sizeof(unsigned long long))
        array.resize_smart(recent, limit)
    else:
        array.resize_smart(recent, length + 1)
        limit = length + 1
    recent.data.as_ulonglongs[limit - 1] = event
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
