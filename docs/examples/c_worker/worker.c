/* A worker for snnhub in plain C99, without libraries: it runs spiking networks of integers bit for bit.
 *
 * It knows no neuron. What a neuron does in one step is a short program in the file, and the table of operations
 * below is all that it takes to run them. What it does not know it refuses: floats, transforms, batches.
 * The file: formats/snnhub_formats/spec/graph-json.md. The conversation: docs/worker-protocol.md. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Name, operands, numbers of its own, and the value, from a, b and c, the operands, and own[], the numbers.
 * Integers fit 64 bits, as the file proves. Where it lies they wrap, which in C only unsigned ones may. */
#define U(x) ((uint64_t)(x))
#define OPERATIONS(X) \
    X(const, 0, 1, own[0]) \
    X(input, 0, 1, arriving(&SLOT(IN), t, at)) \
    X(param, 0, 1, SLOT(PARAM).data[at]) \
    X(state, 0, 1, SLOT(STATE).data[t * elements + at]) \
    X(add, 2, 0, (int64_t)(U(a) + U(b))) X(sub, 2, 0, (int64_t)(U(a) - U(b))) X(mul, 2, 0, (int64_t)(U(a) * U(b))) \
    X(floordiv, 2, 0, floordiv(a, b)) \
    X(neg, 1, 0, (int64_t)-U(a)) X(abs, 1, 0, a < 0 ? (int64_t)-U(a) : a) \
    X(min, 2, 0, a < b ? a : b) X(max, 2, 0, a > b ? a : b) X(clip, 3, 0, a > c || b > c ? c : a > b ? a : b) \
    X(shl, 2, 0, (int64_t)(U(a) << (b & 63))) \
    X(shr_floor, 2, 0, a >> (b & 63)) \
    X(shr_trunc, 2, 0, a < 0 ? (int64_t)-(-U(a) >> (b & 63)) : a >> (b & 63)) \
    X(shr_round_half_even, 2, 0, nearest(a, b & 63)) \
    X(wrap, 1, 1, (int64_t)(U(a) << (64 - own[0])) >> (64 - own[0])) \
    X(eq, 2, 0, a == b) X(lt, 2, 0, a < b) X(le, 2, 0, a <= b) X(gt, 2, 0, a > b) X(ge, 2, 0, a >= b) \
    X(and, 2, 0, a & b) X(or, 2, 0, a | b) X(not, 1, 0, !a) X(where, 3, 0, a ? b : c) X(cast, 1, 1, a) \
    X(check, 1, 2, checked(a, own[0], own[1]))
#define NUMBER(name, operands, numbers, value) OP_##name,
#define ROW(name, operands, numbers, value) {#name, operands, numbers},
#define CASE(name, operands, numbers, result) case OP_##name: i->value = result; break;
#define SLOT(kind) n->slots[n->first[kind] + own[0]]
enum { OPERATIONS(NUMBER) OP_COUNT };
static const struct { const char *name; int operands, numbers; } ops[] = {OPERATIONS(ROW)};

enum { IN, PARAM, STATE, OUT, KINDS, MAX_RANK = 32, MAX_DEPTH = 64, MAX_CHAIN = 1000, BROKEN, UNSUPPORTED };
static const int64_t MAX_SIZE = (int64_t)1 << 36;
typedef struct token { char *start; int64_t count, size; } token; /* JSON; size: of tokens, with all in it */
typedef struct { int op; int64_t args[3], own[2], value; } instr;
typedef struct edge { struct edge *rest; struct slot *from; int64_t delay; } edge;
typedef struct slot { /* a port, parameter or state */
    const char *name;
    struct node *owner;
    int64_t *data;   /* a number per element; of states and outputs: before the first step, and after each */
    int64_t made_by; /* of states and outputs: the instruction */
    int shared;      /* a state that the node has once: all its elements compute the same */
    edge *edges;     /* what leads to a port */
} slot;
typedef struct node { /* inputs and outputs of the network are nodes too, without code */
    char *id;
    int64_t length, done, first[KINDS + 1]; /* instructions; steps; where in slots each kind begins */
    slot *slots;
    instr *code;
} node;

static int64_t steps, elements, rank, shape[MAX_RANK]; /* one shape for all: only transforms would change it */
static node *nodes, *nodes_end;                        /* the first is the input */
static token *model, *free_token;
static int reason;
static char *place; /* the node that is being read or run */
static char *cursor, message[200];
static jmp_buf failed;
static union block { union block *next; int64_t align; } *blocks;

static void *die(int why, const char *words, const char *what) { /* main() answers, and frees all memory */
    snprintf(message, sizeof message, "%s %.60s", words, what);
    reason = why;
    longjmp(failed, 1);
}

static void *need(int64_t count, int64_t size) { /* zeroed */
    union block *block = count < MAX_SIZE / size ? calloc(1, sizeof *block + (size_t)(count * size)) : NULL;
    if (!block) die(UNSUPPORTED, "out of memory", "");
    block->next = blocks;
    return (blocks = block) + 1;
}

static char *read_until(FILE *file, int end, int64_t *size) { /* up to a letter or the end; a zero follows */
    int64_t room = 256;
    char *text = need(room, 1);
    for (int c = *size = 0; (c = getc(file)) != EOF && c != end; text[(*size)++] = (char)c)
        if (*size + 2 > room) text = memcpy(need(room *= 2, 1), text, (size_t)*size);
    return text;
}

static char *read_file(const char *path, int64_t *size) {
    FILE *file = fopen(path, "rb");
    char *text = file ? read_until(file, EOF, size) : die(BROKEN, "cannot be read", path);
    return fclose(file) ? NULL : text;
}

/* ---- JSON: tokens in the order of the text. Commas and colons pass for spaces; escapes stay as they are written. */

static char skip(const char *letters) { return *(cursor += strspn(cursor, letters)); }

static void parse(int depth) {
    token *t = free_token++;
    char kind = skip(" \t\r\n,:"), *start = t->start = cursor;
    if (kind == '"') {
        for (cursor++; *cursor && *cursor != '"'; cursor++) cursor += *cursor == '\\' && cursor[1];
        if (*cursor) *cursor++ = 0;
    } else if ((kind == '[' || kind == '{') && depth < MAX_DEPTH) {
        for (cursor++; skip(" \t\r\n,:") != kind + 2; t->count++) { /* ] and } are two behind [ and { */
            if (kind == '{') parse(depth + 1);
            parse(depth + 1);
        }
        cursor++;
    } else if (skip("+-.0123456789Eaeflnrstu"), cursor == start) die(BROKEN, "not JSON", start);
    t->size = free_token - t;
}

static token *parse_all(char *text) {
    token *root = free_token = need((int64_t)strlen(cursor = text) + 1, sizeof *root);
    parse(0);
    return skip(" \t\r\n") ? die(BROKEN, "text behind the JSON value", cursor) : root;
}

static token *as(char kind, token *t) { return *t->start == kind ? t : die(BROKEN, "an unexpected value", t->start); }
static token *counted(token *t, int64_t count) { return t->count == count ? t : die(UNSUPPORTED, "unknown keys", t->start); }
static char *text(token *t) { return as('"', t)->start + 1; }

#define EACH(item, list) \
    for (token *item = as('[', list) + 1, *item##_end = (list) + (list)->size; item < item##_end; item += item->size)

static token *nth(token *list, int64_t index) {
    EACH(item, list) if (!index--) return item;
    return die(BROKEN, "an index beyond its list", list->start);
}

static token *get(token *object, const char *key) {
    for (token *k = as('{', object) + 1; k < object + object->size; k += 1 + k[1].size)
        if (!strcmp(text(k), key)) return k + 1;
    return die(BROKEN, "no such key", key);
}

static int64_t integer(token *t, int64_t low, int64_t high) { /* or a text, if large; false and true are 0 and 1 */
    char *start = t->start + (*t->start == '"'), *end = (errno = 0, start);
    int64_t found = strtoll(start, &end, 10);
    if (*start == 't' || *start == 'f') end = "", found = *start == 't';
    if (end == start || !strchr(",]} \r\n", *end) || errno || found < low || found > high)
        die(BROKEN, "no integer, or out of range", start);
    return found;
}

/* ---- The network, read from the file. */

static slot *find(const char *id, const char *name, int kind, int last) {
    for (node *n = nodes; n < nodes_end; n++)
        for (slot *s = n->slots + n->first[kind]; !strcmp(n->id, id) && s < n->slots + n->first[last + 1]; s++)
            if (!strcmp(s->name, name)) return s;
    return NULL;
}

static void check_type(token *index) {
    token *type = nth(get(model, "types"), integer(index, 0, MAX_SIZE));
    if (*type->start != '{' && strcmp(text(type), "bool")) die(UNSUPPORTED, "type", text(type));
}

static void spread(int64_t *all, token *tensor) { /* a number for every element; axes of size 1 are shared */
    token *sizes = get(counted(tensor, 3), "shape"), *data = get(tensor, "data");
    for (int64_t at = 0; at < elements; at++) {
        int64_t from = 0, count = 1, inner = elements, *axis = shape;
        if (sizes->count) EACH(item, counted(sizes, rank)) {
            int64_t size = integer(item, 1, *axis);
            inner /= *axis;
            from = from * size + at / inner % *axis++ % size;
            count *= size;
        }
        if (data->size != count + 1) die(BROKEN, "shape of a parameter", "");
        all[at] = integer(data + 1 + from, INT64_MIN, INT64_MAX);
    }
}

static void read_instr(node *n, token *t) {
    instr *i = &n->code[n->length];
    int64_t low = INT64_MIN, high = INT64_MAX, *arg = i->args, *own = i->own;
    char *name = text(nth(counted(t, 4), 0));
    while (i->op < OP_COUNT && strcmp(name, ops[i->op].name)) i->op++;
    if (i->op == OP_COUNT) die(UNSUPPORTED, "micro-operation", name);
    check_type(nth(t, 2));
    if (i->op == OP_wrap) low = 1, high = 64;
    for (int kind = IN; kind <= STATE; kind++)
        if (i->op == OP_input + kind) low = 0, high = n->first[kind + 1] - n->first[kind] - 1;
    EACH(item, counted(nth(t, 1), ops[i->op].operands)) *arg++ = integer(item, 0, n->length - 1);
    EACH(item, counted(nth(t, 3), ops[i->op].numbers)) *own++ = i->op == OP_cast ? 0 : integer(item, low, high);
    n->length++;
}

static void read_slot(slot *s, int kind, token *item, token *next, token *params) {
    int64_t width = elements * (int64_t)sizeof *s->data, last = s->owner->length - 1;
    s->name = text(get(counted(item, kind == STATE ? 4 : 2), "name"));
    if (kind != IN) s->data = need(kind == PARAM ? 1 : steps + 1, width);
    if (kind == PARAM) spread(s->data, get(get(model, "tensors"), text(get(params, s->name))));
    if (kind == OUT) s->made_by = integer(get(item, "instr"), 0, last);
    if (kind != STATE) return;
    token *init = get(item, "init");
    slot *from = *init->start == '{' ? find(place, text(get(init, "param")), PARAM, PARAM) : NULL;
    for (int64_t at = 0; at < elements; at++) s->data[at] = from ? from->data[at] : integer(init, INT64_MIN, INT64_MAX);
    s->made_by = integer(nth(next, s - s->owner->slots - s->owner->first[STATE]), 0, last);
    s->shared = !strcmp(text(get(item, "scope")), "node");
}

static void read_node(token *t) {
    static const char *lists[] = {"inputs", "params", "states", "outputs"};
    node *n = nodes_end++;
    token *program = get(counted(t, 6), "program");
    place = n->id = text(get(t, "id"));
    if (*program->start == 'n') die(UNSUPPORTED, "transform", text(get(t, "op")));
    program = counted(nth(get(model, "programs"), integer(program, 0, MAX_SIZE)), 6);
    for (int kind = IN; kind < KINDS; kind++)
        n->first[kind + 1] = n->first[kind] + get(program, lists[kind])->count;
    n->slots = need(n->first[KINDS], sizeof *n->slots);
    n->code = need(get(program, "code")->count, sizeof *n->code);
    EACH(item, get(program, "code")) read_instr(n, item);
    slot *s = n->slots;
    for (int kind = IN; kind < KINDS; kind++) EACH(item, get(program, lists[kind])) {
        s->owner = n;
        read_slot(s++, kind, item, get(program, "next"), get(t, "params"));
    }
}

static slot *read_end(token *id, int kind) { /* an input, from which x comes out, or an output, where it goes in */
    node *n = nodes_end++;
    for (n->id = text(id); kind < KINDS; kind++) n->first[kind + 1] = 1;
    *(n->slots = need(1, sizeof *n->slots)) = (slot){.name = "x", .owner = n};
    return n->slots;
}

static void read_edge(token *t) {
    token *from = get(counted(t, 3), "from"), *to = get(t, "to");
    slot *out = find(text(nth(from, 0)), text(nth(from, 1)), OUT, OUT);
    slot *in = find(text(nth(to, 0)), text(nth(to, 1)), IN, IN);
    edge *e = out && in ? need(1, sizeof *e) : die(BROKEN, "an edge without an end, to", text(nth(to, 0)));
    *e = (edge){in->edges, out, integer(get(t, "delay"), 0, INT64_MAX)};
    in->edges = e;
}

static void read_model(void) {
    token *input = counted(nth(counted(get(counted(model, 12), "inputs"), 1), 0), 4), *outputs = get(model, "outputs");
    if (strcmp(text(get(model, "schema")), "graph-json/1")) die(UNSUPPORTED, "not graph-json/1", "");
    check_type(get(input, "type"));
    rank = 0, elements = 1;
    EACH(size, get(input, "shape")) {
        if (rank + 1 == MAX_RANK) die(UNSUPPORTED, "too many axes", "");
        elements *= shape[rank++] = integer(size, 1, MAX_SIZE / elements);
    }
    nodes = nodes_end = need(1 + get(model, "nodes")->count + outputs->count, sizeof *nodes);
    read_end(get(input, "id"), OUT)->data = need(steps + 1, elements * (int64_t)sizeof(int64_t));
    nodes->done = INT64_MAX;
    EACH(item, get(model, "nodes")) read_node(item);
    EACH(item, outputs) read_end(item, IN);
    EACH(item, get(model, "edges")) read_edge(item);
}

/* ---- Running: the arithmetic of every neuron. */

static int64_t nearest(int64_t a, int64_t bits) { /* rounds up from more than half, or from half and odd */
    uint64_t lost = U(a) & ((U(1) << bits) - 1);
    return bits ? (a >> bits) + (lost + U(a >> bits & 1) > U(1) << (bits - 1)) : a;
}

static int64_t floordiv(int64_t a, int64_t b) {
    if (b == 0 || (b == -1 && a == INT64_MIN)) die(BROKEN, "a division that overflows", "");
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static int64_t checked(int64_t a, int64_t low, int64_t high) {
    if (a < low || a > high) die(BROKEN, "a value left its checked range", "");
    return a;
}

static int64_t arriving(const slot *s, int64_t t, int64_t at) { /* the sum of what edges bring, 0 while they wait */
    uint64_t sum = 0;
    for (const edge *e = s->edges; e; e = e->rest)
        if (t >= e->delay) sum += U(e->from->data[(t - e->delay + 1) * elements + at]);
    return (int64_t)sum;
}

static void compute(node *n, int64_t t, int chain) { /* one step, after that of the nodes that it waits for */
    if (chain > MAX_CHAIN) die(UNSUPPORTED, "a cycle without a delay, or a very long chain", n->id);
    for (slot *s = n->slots; s < n->slots + n->first[PARAM]; s++) {
        if (!s->edges) die(BROKEN, "no edge leads to", s->name);
        for (edge *e = s->edges; e; e = e->rest)
            if (!e->delay && e->from->owner->done <= t) compute(e->from->owner, t, chain + 1);
    }
    n->done = t + 1;
    place = n->id;
    for (int64_t at = 0; at < elements; at++) {
        for (instr *i = n->code; i < n->code + n->length; i++) {
            const int64_t *own = i->own, *x = i->args;
            const int64_t a = n->code[x[0]].value, b = n->code[x[1]].value, c = n->code[x[2]].value;
            switch (i->op) { OPERATIONS(CASE) }
        }
        for (slot *s = n->slots + n->first[STATE]; s < n->slots + n->first[KINDS]; s++)
            s->data[(t + 1) * elements + at] = n->code[s->made_by].value;
    }
}

/* ---- .npy files, version 1. */

static void read_npy(const char *path, int64_t *to) { /* the input: time, then the axes of the network */
    int64_t size, frames = 0, last = steps * elements, at = 0;
    int width = 0, start = 0;
    char *file = read_file(path, &size), order = 0, kind = 0, *p;
    const char *form = "{'descr': '%c%c%d', 'fortran_order': False, 'shape': (%n";
    if (size > 10) sscanf(file + 10, form, &order, &kind, &width, &start);
    if (!start || memcmp(file, "\x93NUMPY\1", 7) || order == '>' || !strchr(kind == 'u' ? "\1\2\4" : "\1\2\4\10", width)
        || !strchr("biu", kind)) die(UNSUPPORTED, "an array of another form", path);
    frames = strtoll(file + 10 + start, &p, 10);
    for (int64_t axis = 0; axis < rank; axis++)
        if (strtoll(p += strspn(p, ", "), &p, 10) != shape[axis]) die(BROKEN, "an input of another shape", path);
    start = 10 + (unsigned char)file[8] + 256 * (unsigned char)file[9];
    if (p[strspn(p, ", ")] != ')' || frames < 1 || (size - start) % (elements * width)
        || (size - start) / (elements * width) != frames) die(BROKEN, "an input of another shape or size", path);
    for (last = frames < steps ? frames * elements : last; at < last; at++) {
        uint64_t v = 0;
        for (int byte = width; byte-- > 0;) v = v << 8 | (unsigned char)file[start + at * width + byte];
        to[elements + at] = kind == 'i' ? (int64_t)(v << (64 - 8 * width)) >> (64 - 8 * width) : (int64_t)v;
    }
}

static void write_npy(const char *path, const slot *s) {
    char header[1014];
    int length = sprintf(header, "{'descr': '<i8', 'fortran_order': False, 'shape': (%" PRId64 ",", steps);
    FILE *file = fopen(path, "wb");
    if (!file) die(BROKEN, "cannot be written", path);
    for (int64_t axis = 0; axis < rank; axis++)
        length += sprintf(header + length, "%" PRId64 ",", s->shared ? 1 : shape[axis]);
    fprintf(file, "\x93NUMPY\1%c\xf6\3%.*s)}%*s\n", 0, length, header, 1011 - length, "");
    for (int64_t t = 0; t < steps; t++)
        for (int64_t at = 0; at < (s->shared ? 1 : elements); at++) {
            int64_t value = s->data ? s->data[(t + 1) * elements + at] : arriving(s, t, at);
            for (int bits = 0; bits < 64; bits += 8) putc((int)(value >> bits & 255), file);
        }
    if (ferror(file) + fclose(file)) die(BROKEN, "cannot be written", path);
}

/* ---- The conversation: one JSON object a line. */

static slot *recorded(char *key) { /* an output of the network, or a state or output of a node */
    char *slash = strrchr(key, '/');
    slot *s = find(key, "x", IN, IN);
    if (s && !s->owner->length) return s;
    if (slash) *slash = 0;
    s = slash ? find(key, slash + 1, STATE, OUT) : NULL;
    if (slash) *slash = '/';
    return s ? s : die(BROKEN, "nothing to record under", key);
}

static void run(token *params, const char *id) {
    int64_t size, number = 0;
    char *folder = text(get(params, "folder")), *path = need((int64_t)strlen(folder) + 32, 1);
    token *record = get(params, "record");
    if (integer(get(params, "batched"), 0, 1) || get(params, "options")->count) die(UNSUPPORTED, "batches, options", "");
    steps = integer(get(params, "steps"), 1, MAX_SIZE);
    model = parse_all(read_file(text(get(params, "model")), &size));
    read_model();
    read_npy(text(get(params, "input")), nodes->slots->data);
    for (int64_t t = 0; t < steps; t++)
        for (node *n = nodes; n < nodes_end; n++) if (n->done <= t) compute(n, t, 0);
    EACH(key, record) {
        sprintf(path, "%s/%" PRId64 ".npy", folder, number++);
        write_npy(path, recorded(text(key)));
    }
    printf("{\"id\": %s, \"result\": {\"arrays\": {", id);
    number = 0;
    EACH(key, record) {
        printf("%s\"%s\": \"%s/%" PRId64 ".npy\"", number ? ", " : "", text(key), folder, number);
        number++;
    }
    printf("}}}\n");
}

static void capabilities(const char *id) {
    printf("{\"id\": %s, \"result\": {\"models\": [\"graph-json/1\"], \"types\": [\"int\", \"bool\"], \"batch\": false, "
           "\"records\": [\"*\"], \"options\": [], \"transforms\": {}, \"limits\": {\"inputs\": 1}, \"micro_ops\": [", id);
    for (int op = 0; op < OP_COUNT; op++) printf("%s\"%s\"", op ? ", " : "", ops[op].name);
    printf("]}}\n");
}

static char *plain(char *words) { /* fit for a line of JSON */
    for (char *c = words; *c; c++) if (*c < ' ' || *c > '~' || *c == '"' || *c == '\\') *c = '\'';
    return words;
}

int main(void) {
    static char id[32];
    for (int64_t size;; fflush(stdout)) {
        for (union block *block; (block = blocks); free(block)) blocks = block->next;
        strcpy(id, "null");
        place = "";
        if (setjmp(failed)) {
            printf("{\"id\": %s, \"error\": {\"message\": \"%s\", \"detail\": \"%s\"%s}}\n", id, plain(message), plain(place),
                   reason == UNSUPPORTED ? ", \"unsupported\": true" : "");
            continue;
        }
        char *line = read_until(stdin, '\n', &size);
        if (!size && feof(stdin)) return 0;
        token *request = parse_all(line), *params = get(request, "params");
        sprintf(id, "%" PRId64, integer(get(request, "id"), INT64_MIN, INT64_MAX));
        char *method = text(get(request, "method"));
        if (!strcmp(method, "hello") && integer(get(params, "protocol"), 0, INT64_MAX) == 1)
            printf("{\"id\": %s, \"result\": {\"protocol\": 1, \"name\": \"c_worker\", \"environment\": {}}}\n", id);
        else if (!strcmp(method, "capabilities")) capabilities(id);
        else if (!strcmp(method, "run")) run(params, id);
        else if (!strcmp(method, "bye")) return printf("{\"id\": %s, \"result\": {}}\n", id), 0;
        else die(BROKEN, "unknown method or protocol", method);
    }
}
