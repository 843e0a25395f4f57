# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""For a compiler: the functions of `linear.py`, to the last bit. Change both; tests hold them equal."""

from array import array as new_array

import numpy as np

from cpython cimport array
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.math cimport copysign, exp, fabs, floor, isfinite, log1p, sqrt, sqrtf
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

cdef extern from *:
    """
    #if defined(__GNUC__)
    #define FETCH_AHEAD(address) __builtin_prefetch(address)
    #else
    #define FETCH_AHEAD(address)
    #endif
    """
    void FETCH_AHEAD(const void *address) noexcept nogil

cdef extern from *:
    """
    #if defined(__linux__)
    #include <sys/mman.h>
    #endif
    #if defined(MADV_HUGEPAGE)
    #define ASK_FOR_LARGE_PAGES(address, size) madvise(address, size, MADV_HUGEPAGE)
    #else
    #define ASK_FOR_LARGE_PAGES(address, size)
    #endif
    """
    void ASK_FOR_LARGE_PAGES(void *address, size_t size) noexcept nogil

# One step of AdaGrad at one index, in C: a compiler that is told that rows do not overlap makes one instruction of what
# is done to all arms, and roots and quotients are what a step costs.
cdef extern from *:
    """
    #include <math.h>
    #if defined(__GNUC__)
    #define APART __restrict__
    #else
    #define APART
    #endif
    enum {ARMS = 4};
    static const float START = 1e-6f;
    static inline void STEP(float *APART weight, float *APART gradient, const float *APART rates,
                            const double *APART errors, const double *APART whole_errors, double value) {
        float step[ARMS], whole[ARMS];
        for (int arm = 0; arm < ARMS; arm++) {
            step[arm] = (float) (errors[arm] * value);
            whole[arm] = (float) (whole_errors[arm] * value);
        }
        for (int arm = 0; arm < ARMS; arm++) {
            float square = gradient[arm] + whole[arm] * whole[arm];
            gradient[arm] = gradient[arm] + step[arm] * step[arm];
            weight[arm] = weight[arm] - rates[arm] * step[arm] / sqrtf(square + START);
        }
    }
    """
    enum:
        ARMS
    void STEP(float *weight, float *gradient, const float *rates, const double *errors, const double *whole_errors,
              double value) noexcept nogil

ctypedef unsigned int index_t
ctypedef unsigned long long hash64_t

cdef enum:
    INDEX_BITS = 20
    LONG_GRAM = 6
    SHORT_GRAM = 4
    SHORT_TEXT_BYTES = 400
    MAX_TEXT_BYTES = 4096
    BUCKETS = 15
    LARGE_PAGE = 1 << 21
    AHEAD = 16  # rows lie anywhere in 32 MB: each is asked for so many rows before it is needed

cdef double FACT = 0.5
cdef double SATURATED = 30.0
cdef array.array _REALS = new_array("d")
cdef hash64_t _FACTOR = 0x9E3779B97F4A7C15


cdef inline index_t _index(hash64_t hashed) noexcept:
    cdef hash64_t mixed = hashed * _FACTOR
    mixed ^= mixed >> 29
    return <index_t> ((mixed * _FACTOR) >> (64 - INDEX_BITS))


def new_rows(Py_ssize_t count):
    """So many zeros, in large pages where the system has them: rows lie anywhere, and half of what reading them costs
    is to find their page."""
    cdef array.array rows = array.clone(new_array("f"), count, zero=False)
    cdef size_t begin = <size_t> rows.data.as_chars, end = begin + 4 * count
    begin, end = (begin + LARGE_PAGE - 1) & ~(<size_t> LARGE_PAGE - 1), end & ~(<size_t> LARGE_PAGE - 1)
    if begin < end:
        ASK_FOR_LARGE_PAGES(<void *> begin, end - begin)  # a hint: where it is not heeded, nothing is lost
    memset(rows.data.as_chars, 0, 4 * count)
    return rows


def index_of(hash64_t hashed):
    """The index of a 64-bit number."""
    return _index(hashed)


# -- texts ----------------------------------------------------------------------------------------------


cdef Py_ssize_t _enter(const unsigned char *data, Py_ssize_t size, int length, hash64_t seed, index_t *table,
                       size_t mask, const float *rows, index_t *found, Py_ssize_t count) noexcept:
    """Append the indices of n-grams that are not in the table yet; returns how many there are now. Eight bytes can be
    read from wherever an n-gram begins. `rows`: what will be asked for."""
    cdef Py_ssize_t at
    cdef hash64_t window, keep = (<hash64_t> 1 << (8 * length)) - 1
    cdef index_t index
    cdef size_t slot
    for at in range(size - length + 1):
        memcpy(&window, data + at, 8)
        index = _index((window & keep) ^ (seed + <hash64_t> length))
        FETCH_AHEAD(rows + ARMS * <Py_ssize_t> index)
        slot = index & mask
        while table[slot] and table[slot] != index + 1:
            slot = (slot + 1) & mask
        found[count] = index  # the next one takes its place where it is known: no branch to be guessed
        count += not table[slot]
        table[slot] = index + 1
    return count


cdef Py_ssize_t _grams(bytes data, hash64_t seed, const float *rows, index_t *found) except -1:
    """The distinct indices of a text, into an array with room for twice its bytes; their rows are on their way."""
    cdef unsigned char[MAX_TEXT_BYTES + 8] start
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data), count
    cdef size_t room = 64
    memcpy(start, PyBytes_AS_STRING(data), size)
    memset(start + size, 0, 8)
    while <Py_ssize_t> room < 4 * size:
        room *= 2
    cdef index_t *table = <index_t *> calloc(room, sizeof(index_t))
    if table is NULL:
        raise MemoryError
    count = _enter(start, size, LONG_GRAM, seed, table, room - 1, rows, found, 0)
    if size < SHORT_TEXT_BYTES:
        count = _enter(start, size, SHORT_GRAM, seed, table, room - 1, rows, found, count)
    free(table)
    return count


cdef bytes _bytes(str text):
    cdef bytes data = text[:MAX_TEXT_BYTES].lower().encode("utf-8", "surrogatepass")
    return data if PyBytes_GET_SIZE(data) <= MAX_TEXT_BYTES else data[:MAX_TEXT_BYTES]


def gram_indices(str text not None, hash64_t seed):
    """The indices of the text's byte n-grams, each once, in the order in which they come first."""
    cdef index_t[2 * MAX_TEXT_BYTES] found
    cdef Py_ssize_t count = _grams(_bytes(text), seed, NULL, found)
    indices = np.empty(count, np.uint32)
    cdef index_t[::1] view = indices
    if count:
        memcpy(&view[0], found, count * sizeof(index_t))
    return indices


def least_index(str text not None, hash64_t seed):
    """The smallest index of the text's n-grams; -1 without any."""
    cdef unsigned char[MAX_TEXT_BYTES + 8] start
    cdef bytes data = _bytes(text)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
    cdef index_t least = 0xFFFFFFFF
    memcpy(start, PyBytes_AS_STRING(data), size)
    memset(start + size, 0, 8)
    least = _least(start, size, LONG_GRAM, seed, least)
    if size < SHORT_TEXT_BYTES:
        least = _least(start, size, SHORT_GRAM, seed, least)
    return -1 if least == 0xFFFFFFFF else <Py_ssize_t> least


cdef index_t _least(const unsigned char *data, Py_ssize_t size, int length, hash64_t seed, index_t least) noexcept:
    cdef Py_ssize_t at
    cdef hash64_t window, keep = (<hash64_t> 1 << (8 * length)) - 1
    cdef index_t index
    for at in range(size - length + 1):
        memcpy(&window, data + at, 8)
        index = _index((window & keep) ^ (seed + <hash64_t> length))
        least = index if index < least else least
    return least


cdef inline double _length(double square) noexcept:
    return sqrt(square) if square else 1.0


cdef inline double _gram_share(Py_ssize_t count) noexcept:
    return 1 / sqrt(sqrt(<double> count)) if count else 0.0


def features(tuple texts not None, seeds, tuple facts not None, tuple numbers not None,
             array.array number_seeds not None, array.array weights=None):
    """The indices of an event's features, and what each of them counts. `weights`: the texts' are on their way then."""
    cdef const float *rows = NULL if weights is None else weights.data.as_floats
    cdef index_t[2 * MAX_TEXT_BYTES] found
    cdef list read = [_bytes(text) if text else b"" for text in texts]
    cdef Py_ssize_t room = len(facts) + 2 * len(numbers), at = 0, place, count
    cdef hash64_t seed
    cdef double number, value, divisor, square = 0.0
    cdef float share
    cdef list counted = []
    for data in read:
        room += 2 * PyBytes_GET_SIZE(data)
    indices, values = np.empty(room, np.uint32), np.empty(room, np.float32)
    cdef index_t[::1] index = indices
    cdef float[::1] counts = values
    for data, text_seed in zip(read, seeds):
        count = _grams(data, text_seed, rows, found)
        memcpy(&index[at], found, count * sizeof(index_t))
        counted.append(count)
        square += sqrt(<double> count)
        at += count
    divisor = _length(square + FACT * FACT * (len(facts) + len(numbers)))
    at = 0
    for count in counted:
        share = <float> (_gram_share(count) / divisor)
        for place in range(at, at + count):
            counts[place] = share
        at += count
    share = <float> (FACT / divisor)
    for fact in facts:
        index[at], counts[at] = fact, share
        at += 1
    for place in range(len(numbers)):
        seed = number_seeds.data.as_ulonglongs[place]
        given = numbers[place]
        number = float("nan") if given is None else given
        if not isfinite(number):
            index[at], counts[at] = _index(seed - 1), share
            at += 1
            continue
        value = copysign(log1p(fabs(number)), number) / 5
        index[at], counts[at] = _step(seed, value), share
        index[at + 1], counts[at + 1] = _index(seed), <float> (FACT / divisor * value)
        at += 2
    return indices[:at], values[:at]


def weigh_texts(texts, hash64_t seed, array.array weights not None, array.array sums not None,
                array.array squares not None):
    """Add to each text's sums, one for each arm, those of its n-grams' weights, and to its square what they count."""
    cdef index_t[2 * MAX_TEXT_BYTES] found
    cdef Py_ssize_t count, at, arm, place
    cdef double[ARMS] total
    cdef const float *row
    for place, text in enumerate(texts):
        if not text:
            continue
        count = _grams(_bytes(text), seed, weights.data.as_floats, found)
        if not count:
            continue
        for arm in range(ARMS):
            total[arm] = 0.0
        for at in range(count):
            row = weights.data.as_floats + ARMS * <Py_ssize_t> found[at]
            for arm in range(ARMS):
                total[arm] += row[arm]
        for arm in range(ARMS):
            sums.data.as_doubles[ARMS * place + arm] += _gram_share(count) * total[arm]
        squares.data.as_doubles[place] += sqrt(<double> count)


cdef inline index_t _step(hash64_t seed, double value) noexcept:
    return _index(seed + 1 + <hash64_t> <long long> floor(value * BUCKETS))


# -- facts ----------------------------------------------------------------------------------------------


def weigh_facts(tuple indices not None, array.array weights not None, array.array sums not None,
                array.array squares not None, Py_ssize_t place):
    """Add to the sums at a place those of these weights, times `FACT`, and to its square what that makes of it."""
    cdef double[ARMS] total
    cdef const float *row
    cdef Py_ssize_t index, arm
    for arm in range(ARMS):
        total[arm] = 0.0
    for item in indices:
        index = item
        row = weights.data.as_floats + ARMS * index
        for arm in range(ARMS):
            total[arm] += row[arm]
    for arm in range(ARMS):
        sums.data.as_doubles[ARMS * place + arm] += FACT * total[arm]
    squares.data.as_doubles[place] += FACT * FACT * len(indices)


def read_numbers(tuple numbers not None, array.array values not None):
    """Append numbers as they were read; NaN stands for one that is missing or not finite."""
    cdef Py_ssize_t at, length = len(numbers), before = len(values)
    cdef double read
    cdef object number
    array.resize_smart(values, before + length)
    for at in range(length):
        number = numbers[at]
        read = float("nan") if number is None else number
        values.data.as_doubles[before + at] = read if isfinite(read) else float("nan")


def weigh_numbers(array.array values not None, array.array seeds not None, array.array weights not None,
                  array.array sums not None, array.array squares not None, Py_ssize_t place,
                  array.array shares not None):
    """The logit at a place: its sums and those of the last numbers read over the vector's length, mixed by `shares`."""
    cdef Py_ssize_t at, arm, length = len(seeds)
    cdef const double *read = values.data.as_doubles + len(values) - length
    cdef const float *known = weights.data.as_floats
    cdef const float *step
    cdef const float *slope
    cdef hash64_t seed
    cdef double value, logit = 0.0
    cdef double[ARMS] total
    for arm in range(ARMS):
        total[arm] = 0.0
    for at in range(length):
        seed = seeds.data.as_ulonglongs[at]
        if read[at] == read[at]:
            value = copysign(log1p(fabs(read[at])), read[at]) / 5
            step = known + ARMS * <Py_ssize_t> _step(seed, value)
            slope = known + ARMS * <Py_ssize_t> _index(seed)
            for arm in range(ARMS):
                total[arm] += step[arm] + slope[arm] * value
        else:
            step = known + ARMS * <Py_ssize_t> _index(seed - 1)
            for arm in range(ARMS):
                total[arm] += step[arm]
    for arm in range(ARMS):
        logit += shares.data.as_doubles[arm] * (sums.data.as_doubles[ARMS * place + arm] + FACT * total[arm])
    return logit / _length(squares.data.as_doubles[place] + FACT * FACT * length)


# -- learning -------------------------------------------------------------------------------------------


cdef inline double _sigmoid(double logit) noexcept:
    if logit > SATURATED:
        logit = SATURATED
    elif logit < -SATURATED:
        logit = -SATURATED
    return 1 / (1 + exp(-logit))


cdef void _say(const index_t[::1] indices, const float[::1] values, const float *weights, double *said) noexcept:
    """What each arm says."""
    cdef const float *row
    cdef double value
    cdef double[ARMS] told
    cdef Py_ssize_t at, arm
    for arm in range(ARMS):
        told[arm] = 0.0
    for at in range(indices.shape[0]):
        if at + AHEAD < indices.shape[0]:
            FETCH_AHEAD(weights + ARMS * <Py_ssize_t> indices[at + AHEAD])
        row, value = weights + ARMS * <Py_ssize_t> indices[at], values[at]
        for arm in range(ARMS):
            told[arm] += <double> row[arm] * value
    for arm in range(ARMS):
        said[arm] = told[arm]


def logits(const index_t[::1] indices, const float[::1] values, array.array weights not None):
    """What each arm says."""
    cdef array.array said = array.clone(_REALS, ARMS, zero=False)
    _say(indices, values, weights.data.as_floats, said.data.as_doubles)
    return said


def mixed(array.array arm_logits not None, list losses not None, double certainty):
    """The logit of all arms together."""
    cdef double[ARMS] counts
    cdef double best = losses[0], total = 0.0, logit = 0.0
    cdef Py_ssize_t arm
    for arm in range(ARMS):
        counts[arm] = losses[arm]
        best = counts[arm] if counts[arm] < best else best
    for arm in range(ARMS):
        counts[arm] = exp(best - counts[arm])
        total += counts[arm]
    for arm in range(ARMS):
        logit += certainty * (counts[arm] / total) * arm_logits.data.as_doubles[arm]
    return logit


def add_losses(list losses not None, array.array arm_logits not None, bint spam, double memory):
    """Add to each arm's losses what a label makes of what it said."""
    cdef double logit, before
    cdef Py_ssize_t arm
    for arm in range(ARMS):
        logit, before = arm_logits.data.as_doubles[arm], losses[arm]
        logit = -logit if spam else logit
        if logit > SATURATED:
            logit = SATURATED
        elif logit < -SATURATED:
            logit = -SATURATED
        losses[arm] = before * memory + log1p(exp(logit))


def learn(const index_t[::1] indices, const float[::1] values, array.array weights not None,
          array.array gradients not None, array.array rates not None, double target, double push,
          unsigned char[::1] touched):
    """One step of AdaGrad on the log loss for each arm. Returns what the arms said before."""
    cdef array.array said = array.clone(_REALS, ARMS, zero=False)
    cdef double[ARMS] errors, whole_errors
    cdef float[ARMS] speeds
    cdef double error
    cdef Py_ssize_t at, arm, place
    _say(indices, values, weights.data.as_floats, said.data.as_doubles)
    for arm in range(ARMS):
        speeds[arm] = <float> rates.data.as_doubles[arm]
        error = _sigmoid(said.data.as_doubles[arm]) - target
        errors[arm] = error * push
        whole_errors[arm] = error * max(1.0, push)
    for at in range(indices.shape[0]):
        if at + AHEAD < indices.shape[0]:
            FETCH_AHEAD(gradients.data.as_floats + ARMS * <Py_ssize_t> indices[at + AHEAD])
        touched[indices[at]] = True
        place = ARMS * <Py_ssize_t> indices[at]
        STEP(weights.data.as_floats + place, gradients.data.as_floats + place, speeds, errors,
             whole_errors, values[at])
    return said
