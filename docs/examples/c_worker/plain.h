/* What C lacks: errors that jump out, memory that goes by itself, JSON, .npy. Nothing here knows networks. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Errors and memory: a request that fails jumps back to main(), which answers, and release() ends it. */

enum { BROKEN = 1, UNSUPPORTED, MAX_RANK = 34, MAX_DEPTH = 64 };
static const int64_t MAX_SIZE = (int64_t)1 << 36;
static jmp_buf failed;
static char message[300];
static union block { union block *next; double align; } *blocks;

#define STOP(why, ...) (snprintf(message, sizeof message, __VA_ARGS__), longjmp(failed, why))

static void *need(int64_t count, size_t size) { /* zeroed */
    union block *block = count < MAX_SIZE / (int64_t)size ? calloc(1, sizeof *block + (size_t)count * size) : NULL;
    if (!block) STOP(UNSUPPORTED, "out of memory");
    block->next = blocks;
    blocks = block;
    return block + 1;
}

static void release(void) {
    while (blocks) {
        union block *next = blocks->next;
        free(blocks);
        blocks = next;
    }
}

static char *read_until(FILE *file, int end, int64_t *size) { /* up to a letter or the end; a zero follows */
    int64_t room = 256;
    char *text = need(room, 1);
    if (!file) STOP(BROKEN, "a file cannot be read");
    for (int c = *size = 0; (c = getc(file)) != EOF && c != end; text[(*size)++] = (char)c)
        if (*size + 2 > room) text = memcpy(need(room *= 2, 1), text, (size_t)*size);
    if (file != stdin) fclose(file);
    return text;
}

/* ---- JSON: tokens in the order of the text, each with the size of all that is in it. Escapes stay as written. */

typedef struct token { char tag, *text; int64_t count, size; } token;
#define EACH(item, list) \
    for (token *item = listed(list) + 1, *end##item = (list) + (list)->size; item < end##item; item += item->size)
static token *free_token;
static char *cursor;

static char peek(void) { return *(cursor += strspn(cursor, " \t\r\n")); }

static void expect(char letter) {
    if (peek() != letter) STOP(BROKEN, "not JSON: %.20s", cursor);
    cursor++;
}

static void parse(int depth) {
    token *t = free_token++;
    t->tag = peek();
    t->text = cursor;
    if (t->tag == '"') {
        for (t->text = ++cursor; *cursor && *cursor != '"'; cursor++) cursor += *cursor == '\\' && cursor[1];
        expect('"');
        cursor[-1] = 0;
    } else if ((t->tag == '[' || t->tag == '{') && depth < MAX_DEPTH) {
        for (cursor++; peek() != (t->tag == '[' ? ']' : '}'); parse(depth + 1)) {
            if (t->count++) expect(',');
            if (t->tag == '[') continue;
            if (peek() != '"') expect('"');
            parse(depth + 1);
            expect(':');
        }
        cursor++;
    } else { /* a number, true, false or null */
        cursor += strspn(cursor, "-0123456789aeflnrstu");
        if (cursor == t->text) STOP(BROKEN, "not JSON: %.20s", cursor);
    }
    t->size = free_token - t;
}

static token *parse_all(char *text) {
    int64_t most = 1;
    for (cursor = text; *cursor; cursor++) most += strchr(",:[{", *cursor) != NULL;
    token *root = free_token = need(most, sizeof *root);
    cursor = text;
    parse(0);
    if (peek()) STOP(BROKEN, "text behind the JSON value: %.20s", cursor);
    return root;
}

static token *listed(token *t) {
    if (t->tag != '[') STOP(BROKEN, "not a list: %.20s", t->text);
    return t;
}

static token *get(token *object, const char *key) {
    for (token *k = object + 1; object->tag == '{' && k < object + object->size; k += 1 + k[1].size)
        if (!strcmp(k->text, key)) return k + 1;
    return STOP(BROKEN, "nothing under \"%s\"", key), object;
}

static token *sized(token *list, int64_t count) { /* who then gets so many keys knows that there is no other */
    if (!strchr("[{", list->tag) || list->count != count) STOP(UNSUPPORTED, "unknown keys, or not %d", (int)count);
    return list;
}

static token *nth(token *list, int64_t index) {
    EACH(item, list) if (!index--) return item;
    return STOP(BROKEN, "an index beyond its list"), list;
}

static char *text(const token *t) {
    if (t->tag != '"') STOP(BROKEN, "not a text: %.20s", t->text);
    return t->text;
}

static int64_t integer(const token *t, int64_t low, int64_t high) {
    char *end = (errno = 0, t->text);
    int64_t found = strtoll(t->text, &end, 10);
    if (end == t->text || !strchr(",]} \r\n", *end) || errno || found < low || found > high)
        STOP(BROKEN, "not an integer from %" PRId64 " to %" PRId64 ": %.30s", low, high, t->text);
    return found;
}

/* ---- Numbers and .npy files (version 1, C order, little-endian as this machine is). */

enum { INT, BOOL, F32, F64 };
typedef union { int64_t i; double f; } number; /* an f32 is kept as the f64 of the same value */
typedef struct { int kind, rank; int64_t size[MAX_RANK], count; number *data; } array;

static number convert(number v, int from, int to) { /* to floats rounded once, to integers toward zero */
    if (from >= F32 && to <= BOOL && !(fabs(v.f) < 9.2e18)) STOP(BROKEN, "a float beyond 64 bits is cast to int");
    if (from <= BOOL && to >= F32) v.f = to == F32 ? (float)v.i : (double)v.i;
    else if (from >= F32 && to <= BOOL) v.i = (int64_t)v.f;
    else if (to == F32) v.f = (float)v.f;
    return v;
}

static number read_number(token *t, int kind) {
    number v = {.i = kind == BOOL ? *t->text == 't' : kind == INT ? integer(t, INT64_MIN, INT64_MAX) : 0};
    char *end = kind >= F32 ? text(t) : "";
    if (kind >= F32) v.f = kind == F32 ? (float)strtod(t->text, &end) : strtod(t->text, &end);
    if (*end || end == t->text) STOP(BROKEN, "not a float: %.30s", t->text);
    return v;
}

static void grow(array *a, int64_t size) { /* by one axis */
    a->count = a->rank ? a->count : 1;
    if (size < 1 || a->count > MAX_SIZE / size || a->rank == MAX_RANK) STOP(UNSUPPORTED, "empty or large shape");
    a->count *= a->size[a->rank++] = size;
}

static int take_shape(array *to, const array *from) { /* whether anything became known */
    if (!from->count) return 0;
    if (to->count && (to->rank != from->rank || memcmp(to->size, from->size, sizeof to->size)))
        STOP(BROKEN, "shapes do not fit");
    int news = !to->count;
    *to = *from;
    return news;
}

static number *spread(const array *a, const array *shape) { /* for every element; axes of size 1 are shared */
    number *all = need(shape->count, sizeof *all);
    for (int axis = 0; axis < a->rank; axis++)
        if (a->rank != shape->rank || (a->size[axis] != 1 && a->size[axis] != shape->size[axis]))
            STOP(BROKEN, "shape of a parameter");
    for (int64_t element = 0; element < shape->count; element++) {
        int64_t at = 0, stride = 1, rest = element;
        for (int axis = a->rank; axis-- > 0; rest /= shape->size[axis]) {
            if (a->size[axis] > 1) at += rest % shape->size[axis] * stride;
            stride *= a->size[axis];
        }
        all[element] = a->data[at];
    }
    return all;
}

static array *read_npy(const char *path) {
    int64_t size, at = 0;
    int width = 0, start = 0;
    char *file = read_until(fopen(path, "rb"), EOF, &size), kind = 0, *end;
    array *a = need(1, sizeof *a);
    const char *form = "{'descr': '%*c%c%d', 'fortran_order': False, 'shape': (%n";
    if (size > 10) sscanf(file + 10, form, &kind, &width, &start);
    if (kind == 'u' && width == 8) start = 0; /* beyond what fits here */
    if (!start || memcmp(file, "\x93NUMPY\1", 7) || !memchr("biuf", kind, 4) || !memchr("\1\2\4\10", width, 4))
        STOP(UNSUPPORTED, "an array of another form: %.200s", path);
    for (char *p = file + 10 + start; *p != ')'; p = end + strspn(end, ", ")) grow(a, strtoll(p, &end, 10));
    a->kind = kind != 'f' ? INT : width == 4 ? F32 : F64;
    a->data = need(a->count, sizeof *a->data);
    start = 10 + (unsigned char)file[8] + 256 * (unsigned char)file[9];
    if (start + a->count * width != size) STOP(BROKEN, "an array that is cut off or too long: %.200s", path);
    for (float narrow; at < a->count; at++) {
        memcpy(a->kind == F32 ? (void *)&narrow : &a->data[at], file + start + at * width, (size_t)width);
        if (a->kind == F32) a->data[at].f = narrow;
        else if (kind == 'i' && width < 8 && a->data[at].i >> (8 * width - 1)) /* the sign */
            a->data[at].i -= (int64_t)1 << 8 * width;
    }
    return a;
}

static void write_npy(const char *path, const array *a) {
    static const struct { const char *name; size_t size; } of[] = {{"<i8", 8}, {"|u1", 1}, {"<f4", 4}, {"<f8", 8}};
    char shape[MAX_RANK * 22] = "", header[1015];
    FILE *file = fopen(path, "wb");
    if (!file) STOP(BROKEN, "%.200s cannot be written", path);
    for (int axis = 0; axis < a->rank; axis++) sprintf(shape + strlen(shape), "%" PRId64 ", ", a->size[axis]);
    snprintf(header, 1015, "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", of[a->kind].name, shape);
    fprintf(file, "\x93NUMPY\1%c\xf6\3%-1013s\n", 0, header); /* 0x3f6 letters of header */
    for (int64_t at = 0; at < a->count; at++) {
        float narrow = a->kind == F32 ? (float)a->data[at].f : 0;
        fwrite(a->kind == F32 ? (void *)&narrow : (void *)&a->data[at], of[a->kind].size, 1, file);
    }
    if (ferror(file) + fclose(file)) STOP(BROKEN, "%.200s cannot be written", path);
}
