/* A worker for snnhub in plain C99: it runs spiking networks of integers bit for bit, and knows no neuron. What
 * one does in a step is a short program in the file, and the table of operations is all that it takes to run it.
 * What it does not know it refuses: floats, transforms, batches. The file and the conversation are specified in
 * formats/snnhub_formats/spec/graph-json.md and docs/worker-protocol.md. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* Name, operands, numbers of its own, and the value: of the operands a, b, c, of b as a shift, and of the numbers.
 * Integers fit 64 bits, as the file proves. Where it lies they wrap, and a / 0 is 0: no file makes C undefined. */
#define OPERATIONS(X) \
    X(const, 0, 1, own[0]) X(input, 0, 1, arriving(&n->slots[own[0]], t, at)) X(param, 0, 1, i->param[at]) \
    X(state, 0, 1, n->slots[n->first[STATE] + own[0]].data[t * elements + at]) \
    X(add, 2, 0, (i64)((u64)a + (u64)b)) X(sub, 2, 0, (i64)((u64)a - (u64)b)) X(neg, 1, 0, (i64)-(u64)a) \
    X(mul, 2, 0, (i64)((u64)a * (u64)b)) X(abs, 1, 0, a < 0 ? (i64)-(u64)a : a) \
    X(floordiv, 2, 0, !b ? 0 : b == -1 ? (i64)-(u64)a : a / b - (a % b && (a < 0) != (b < 0))) \
    X(min, 2, 0, a < b ? a : b) X(max, 2, 0, a > b ? a : b) X(clip, 3, 0, a > c || b > c ? c : a > b ? a : b) \
    X(shl, 2, 0, (i64)((u64)a << by)) X(wrap, 1, 1, (i64)((u64)a << -(u64)own[0] % 64) >> -(u64)own[0] % 64) \
    X(shr_floor, 2, 0, a >> by) X(shr_trunc, 2, 0, a < 0 ? (i64)-(-(u64)a >> by) : a >> by) \
    X(shr_round_half_even, 2, 0, (a >> by) + (by && ((u64)a << (64 - by)) + (a >> by & 1) > (u64)1 << 63)) \
    X(check, 1, 2, (a < own[0] || a > own[1] ? die(BROKEN, "a value left its checked range", "") : 0, a)) \
    X(eq, 2, 0, a == b) X(lt, 2, 0, a < b) X(le, 2, 0, a <= b) X(gt, 2, 0, a > b) X(ge, 2, 0, a >= b) \
    X(and, 2, 0, a & b) X(or, 2, 0, a | b) X(not, 1, 0, !a) X(where, 3, 0, a ? b : c) X(cast, 1, 1, a)
#define NUMBER(name, operands, numbers, value) OP_##name,
#define ROW(name, operands, numbers, value) {#name, operands, numbers},
#define CASE(name, operands, numbers, result) case OP_##name: i->value = result; break;
enum { OPERATIONS(NUMBER) OP_COUNT };
static const struct { const char *name; int operands, numbers; } ops[] = {OPERATIONS(ROW)};
enum { IN, STATE, OUT, KINDS, MAX_RANK = 30, MAX_DEPTH = 64, MAX_CHAIN = 1000, BROKEN, UNSUPPORTED };
typedef int64_t i64;
typedef uint64_t u64;
typedef struct token { char *start; i64 count, size; } token; /* JSON; size: of tokens, with all in it */
typedef struct { int op; i64 args[3], own[2], value, *param; } instr;
typedef struct edge { struct edge *rest; struct slot *from; i64 delay; } edge;
/* Slots are inputs, to which edges lead, states and outputs. The last two have data: all elements before the first
 * step and after each. A shared state is equal in all elements. A node has slots of a kind from first[kind] on.
 * The network's own inputs and outputs are nodes without code, with one slot x. All nodes have one shape. */
typedef struct slot { char *name; struct node *owner; i64 *data, made_by; int shared; edge *edges; } slot;
typedef struct node { char *id; i64 length, done, first[KINDS + 1]; slot *slots; instr *code; } node;
static i64 steps, elements, rank, shape[MAX_RANK];
static node *nodes, *nodes_end; /* the first is the input */
static token *model, *free_token;
static char *cursor, *place, message[200], asked[32]; /* place: the node that is read or run; asked: the id */
static union block { union block *next; i64 align; } *blocks;
static int reason;
static jmp_buf failed;
static const i64 MAX_SIZE = (i64)1 << 36;
static void *die(int why, const char *words, const char *what) { /* main() answers, and frees all memory */
    snprintf(message, sizeof message, "%s %.60s", words, what);
    longjmp(failed, reason = why);
}
static void *need(i64 count, i64 size) { /* zeroed */
    union block *block = count < MAX_SIZE / size ? calloc(1, sizeof *block + (size_t)(count * size)) : NULL;
    if (!block) die(UNSUPPORTED, "out of memory", "");
    block->next = blocks;
    return (blocks = block) + 1;
}
static char *read_until(FILE *file, int end, i64 *size) { /* up to a letter or the end; a zero follows */
    i64 room = 256;
    char *text = file ? need(room, 1) : die(BROKEN, "a file cannot be read", "");
    for (int c = *size = 0; (c = getc(file)) != EOF && c != end; text[(*size)++] = (char)c)
        if (*size + 2 > room) text = memcpy(need(room *= 2, 1), text, (size_t)*size);
    if (file != stdin) fclose(file);
    return text;
}

/* ---- JSON: tokens in the order of the text. Commas and colons pass for spaces; escapes stay as they are. */
static char skip(const char *letters) { return *(cursor += strspn(cursor, letters)); }
static void parse(int depth) {
    token *t = free_token++;
    char kind = skip(" \t\r\n,:"), *start = t->start = cursor;
    if (kind == '"') {
        while (*++cursor && *cursor != '"') cursor += *cursor == '\\' && cursor[1];
        if (*cursor) *cursor++ = 0;
    } else if ((kind == '[' || kind == '{') && depth < MAX_DEPTH) { /* in ASCII ] and } are two behind them */
        for (cursor++; skip(" \t\r\n,:") != kind + 2; parse(depth + 1), t->count++)
            if (kind == '{') parse(depth + 1);
        cursor++;
    } else if (skip("+-.0123456789Eaeflnrstu"), cursor == start) die(BROKEN, "not JSON:", start);
    t->size = free_token - t;
}
static token *parse_all(char *text) {
    token *root = free_token = need((i64)strlen(cursor = text) + 1, sizeof *root);
    parse(0);
    return skip(" \t\r\n") ? die(BROKEN, "behind the JSON value:", cursor) : root;
}
static token *as(char kind, token *t) { return *t->start == kind ? t : die(BROKEN, "unexpected:", t->start); }
static token *counted(token *t, i64 count) { return t->count == count ? t : die(UNSUPPORTED, "unknown keys", ""); }
static char *text(token *t) { return as('"', t)->start + 1; }
#define EACH(item, list) \
    for (token *item = as('[', list) + 1, *item##_ = (list) + (list)->size; item < item##_; item += item->size)
static token *nth(token *list, i64 index) {
    EACH(item, list) if (!index--) return item;
    return die(BROKEN, "an index beyond its list", "");
}
static token *get(token *object, const char *key) {
    for (token *k = as('{', object) + 1; k < object + object->size; k += 1 + k[1].size)
        if (!strcmp(text(k), key)) return k + 1;
    return die(BROKEN, "nothing under", key);
}
static i64 integer(token *t, i64 low, i64 high) { /* or a text, if large; false and true are 0 and 1 */
    char *start = t->start + (*t->start == '"'), *end = start + strspn(start, "aeflrstu");
    i64 found = end > start ? *start == 't' : strtoll(start, &end, 10);
    if (end == start || !strchr(",]} \r\n", *end) || found < low || found > high)
        die(BROKEN, "no integer, or out of range:", start);
    return found;
}

/* ---- The network, read from the file. */
static slot *find(const char *id, const char *name, int kind, int last) {
    for (node *n = nodes; n < nodes_end; n++)
        for (slot *s = n->slots + n->first[kind]; !strcmp(n->id, id) && s < n->slots + n->first[last + 1]; s++)
            if (!strcmp(s->name, name)) return s;
    return NULL;
}
static i64 *parameter(token *name, token *params) { /* a number for every element; axes of size 1 are shared */
    token *tensor = counted(get(get(model, "tensors"), text(get(params, text(name)))), 3);
    token *sizes = get(tensor, "shape"), *data = get(tensor, "data");
    i64 *all = need(1, elements * 8);
    for (i64 at = 0; at < elements; at++) {
        i64 from = 0, inner = elements, *axis = shape;
        if (sizes->count) EACH(item, counted(sizes, rank)) {
            i64 size = integer(item, 1, *axis);
            inner /= *axis;
            from = from * size + at / inner % *axis++ % size;
        }
        all[at] = integer(from + 2 > data->size ? data : data + 1 + from, INT64_MIN, INT64_MAX);
    }
    return all;
}
static void read_instr(node *n, token *t, token *program, token *params) {
    static const char *lists[OP_COUNT] = {[OP_input] = "inputs", [OP_param] = "params", [OP_state] = "states"};
    instr *i = &n->code[n->length];
    i64 *arg = i->args, *own = i->own;
    char *name = text(nth(counted(t, 4), 0));
    token *type = nth(get(model, "types"), integer(nth(t, 2), 0, MAX_SIZE));
    while (i->op < OP_COUNT && strcmp(name, ops[i->op].name)) i->op++;
    if (i->op == OP_COUNT) die(UNSUPPORTED, "micro-operation", name);
    if (*type->start != '{' && strcmp(text(type), "bool")) die(UNSUPPORTED, "type", text(type));
    token *list = lists[i->op] ? get(program, lists[i->op]) : NULL;
    i64 low = list ? 0 : INT64_MIN, high = list ? list->count - 1 : INT64_MAX;
    EACH(item, counted(nth(t, 1), ops[i->op].operands)) *arg++ = integer(item, 0, n->length - 1);
    EACH(item, counted(nth(t, 3), ops[i->op].numbers)) *own++ = i->op == OP_cast ? 0 : integer(item, low, high);
    if (i->op == OP_param) i->param = parameter(get(nth(list, *i->own), "name"), params);
}
static void read_node(token *t) {
    token *program = get(counted(t, 6), "program"), *params = get(t, "params");
    node *n = nodes_end++;
    place = n->id = text(get(t, "id"));
    if (*program->start == 'n') die(UNSUPPORTED, "transform", text(get(t, "op")));
    program = counted(nth(get(model, "programs"), integer(program, 0, MAX_SIZE)), 6);
    n->code = need(get(program, "code")->count, sizeof *n->code);
    EACH(item, get(program, "code")) read_instr(n, item, program, params), n->length++;
    slot *s = n->slots = need(program->size, sizeof *s);
    EACH(item, get(program, "inputs")) *s++ = (slot){.name = text(get(counted(item, 2), "name"))};
    n->first[STATE] = s - n->slots;
    EACH(item, get(program, "states")) {
        token *init = get(counted(item, 4), "init");
        i64 *from = *init->start == '{' ? parameter(get(init, "param"), params) : NULL;
        *s = (slot){text(get(item, "name")), n, need(steps + 1, elements * 8),
                    integer(nth(get(program, "next"), s - n->slots - n->first[STATE]), 0, n->length - 1),
                    !strcmp(text(get(item, "scope")), "node"), NULL};
        for (i64 at = 0; at < elements; at++) s->data[at] = from ? from[at] : integer(init, INT64_MIN, INT64_MAX);
        s++;
    }
    n->first[OUT] = s - n->slots;
    EACH(item, get(program, "outputs"))
        *s++ = (slot){text(get(counted(item, 2), "name")), n, need(steps + 1, elements * 8),
                      integer(get(item, "instr"), 0, n->length - 1), 0, NULL};
    n->first[KINDS] = s - n->slots;
}
static void read_edge(token *t) {
    slot *out = find(text(nth(get(t, "from"), 0)), text(nth(get(t, "from"), 1)), OUT, OUT);
    slot *in = find(text(nth(get(t, "to"), 0)), text(nth(get(t, "to"), 1)), IN, IN);
    edge *e = out && in ? need(1, sizeof *e) : die(BROKEN, "an edge without an end:", text(nth(get(t, "to"), 0)));
    *e = (edge){in->edges, out, integer(get(counted(t, 3), "delay"), 0, INT64_MAX)};
    in->edges = e;
}
static void read_model(char *file) {
    token *input = nth(counted(get(counted(model = parse_all(file), 12), "inputs"), 1), 0);
    token *inner = get(model, "nodes"), *outputs = get(model, "outputs");
    if (strcmp(text(get(model, "schema")), "graph-json/1")) die(UNSUPPORTED, "not graph-json/1", "");
    if (get(counted(input, 4), "shape")->count > MAX_RANK) die(UNSUPPORTED, "too many axes", "");
    EACH(size, get(input, "shape")) elements *= shape[rank++] = integer(size, 1, MAX_SIZE / elements);
    slot *ends = need(1 + outputs->count, sizeof *ends);
    nodes = nodes_end = need(1 + inner->count + outputs->count, sizeof *nodes);
    *ends = (slot){.name = "x", .owner = nodes, .data = need(steps + 1, elements * 8)};
    *nodes_end++ = (node){text(get(input, "id")), 0, INT64_MAX, {0, 0, 0, 1}, ends++, NULL};
    EACH(item, inner) read_node(item);
    EACH(item, outputs) *nodes_end++ = (node){text(item), 0, 0, {0, 1, 1, 1}, ends, NULL}, ends++->name = "x";
    EACH(item, get(model, "edges")) read_edge(item);
}

/* ---- Running: the arithmetic of every neuron. */
static i64 arriving(const slot *s, i64 t, i64 at) { /* the sum of what edges bring, 0 while they wait */
    u64 sum = s->edges ? 0 : (die(BROKEN, "no edge leads to", s->name), 0);
    for (const edge *e = s->edges; e; e = e->rest)
        if (t >= e->delay) sum += (u64)e->from->data[(t - e->delay + 1) * elements + at];
    return (i64)sum;
}
static void compute(node *n, i64 t, int chain) { /* one step, after that of the nodes that it waits for */
    if (chain > MAX_CHAIN) die(UNSUPPORTED, "a cycle without a delay, or a very long chain", "");
    for (slot *s = n->slots; s < n->slots + n->first[STATE]; s++)
        for (edge *e = s->edges; e; e = e->rest)
            if (!e->delay && e->from->owner->done <= t) compute(e->from->owner, t, chain + 1);
    place = n->id, n->done = t + 1;
    for (i64 at = 0; at < elements; at++) {
        for (instr *i = n->code; i < n->code + n->length; i++) {
            const i64 *own = i->own, *x = i->args, a = n->code[x[0]].value, b = n->code[x[1]].value;
            const i64 c = n->code[x[2]].value, by = b & 63;
            switch (i->op) { OPERATIONS(CASE) }
        }
        for (slot *s = n->slots + n->first[STATE]; s < n->slots + n->first[KINDS]; s++)
            s->data[(t + 1) * elements + at] = n->code[s->made_by].value;
    }
}
static void read_npy(const char *path, i64 *to) { /* the input: time, then the axes of the network */
    i64 size;
    int width = 0, start = 0, head;
    char kind = 0, *file = read_until(fopen(path, "rb"), EOF, &size), *p = file + 10;
    sscanf(p, "{'descr': '%*1[<|]%c%d', 'fortran_order': False, 'shape': (%n", &kind, &width, &start);
    i64 count = strtoll(p + start, &p, 10);
    for (i64 k = 0; k < rank; k++) if (strtoll(p += strspn(p, ", "), &p, 10) != shape[k]) count = 0;
    size -= head = 10 + (unsigned char)file[8] + 256 * (unsigned char)file[9];
    if (!start || memcmp(file, "\x93NUMPY\1", 7) || !strchr("biu", kind) || !memchr("\1\2\4\10", width, 4)
        || p[strspn(p, ", ")] != ')' || count < 1 || size % (elements * width) || count != size / width / elements)
        die(BROKEN, "no integers of the shape of the input:", path);
    for (i64 at = 0; at < elements * (count < steps ? count : steps); at++) {
        u64 v = 0;
        for (int byte = width; byte-- > 0;) v = v << 8 | (unsigned char)file[head + at * width + byte];
        to[at] = kind == 'i' ? (i64)(v << (64 - 8 * width)) >> (64 - 8 * width) : (i64)v;
    }
}
static void write_npy(const char *path, const slot *s) {
    const char *head = "\x93NUMPY\1%c\xf6\3{'descr': '<i8', 'fortran_order': False, 'shape': (%" PRId64 ",";
    FILE *file = fopen(path, "wb");
    int length = file ? fprintf(file, head, 0, steps) : (die(BROKEN, "cannot be written:", path), 0);
    for (i64 k = 0; k < rank; k++) length += fprintf(file, "%" PRId64 ",", s->shared ? 1 : shape[k]);
    fprintf(file, ")}%*s\n", 1021 - length, ""); /* 1024 bytes, of which the header says that it has 0x3f6 */
    for (i64 t = 0; t < steps; t++)
        for (i64 at = 0; at < (s->shared ? 1 : elements); at++)
            for (int bits = 0; bits < 64; bits += 8)
                putc((int)((s->data ? s->data[(t + 1) * elements + at] : arriving(s, t, at)) >> bits & 255), file);
    if (ferror(file) + fclose(file)) die(BROKEN, "cannot be written:", path);
}

/* ---- The conversation: one JSON object a line. */
#define RESULT "{\"id\": %s, \"result\": "
static void run(token *params, i64 letters) {
    i64 number = 0, size;
    token *record = get(params, "record");
    char *folder = text(get(params, "folder")), *path = need((i64)strlen(folder) + 32, 1);
    char *answer = need(letters + record->count * ((i64)strlen(folder) + 32), 1), *end = answer;
    if (integer(get(params, "batched"), 0, 1) || get(params, "options")->count) die(UNSUPPORTED, "options", "");
    rank = 0, elements = 1, steps = integer(get(params, "steps"), 1, MAX_SIZE);
    read_model(read_until(fopen(text(get(params, "model")), "rb"), EOF, &size));
    read_npy(text(get(params, "input")), nodes->slots->data + elements);
    for (i64 t = 0; t < steps; t++)
        for (node *n = nodes; n < nodes_end; n++) if (n->done <= t) compute(n, t, 0);
    EACH(item, record) { /* the id of an output, or that of a node, a slash and a name */
        char *key = text(item), *slash = strrchr(key, '/');
        sprintf(path, "%s/%" PRId64 ".npy", folder, number++);
        end += sprintf(end, "%s\"%s\": \"%s\"", end > answer ? ", " : "", key, path);
        slot *s = find(key, "x", IN, IN);
        if (!s && slash) *slash = 0, s = find(key, slash + 1, STATE, OUT);
        write_npy(path, s ? s : die(BROKEN, "nothing to record under", key));
    }
    printf(RESULT "{\"arrays\": {%s}}}\n", asked, answer);
}
static char *plain(char *words) { /* fit for a line of JSON */
    for (char *c = words; *c; c++) if (*c < ' ' || *c > '~' || *c == '"' || *c == '\\') *c = '\'';
    return words;
}

int main(void) {
    for (i64 size;; fflush(stdout)) {
        for (union block *block; (block = blocks); free(block)) blocks = block->next;
        strcpy(asked, "null"), place = "";
        if (setjmp(failed)) {
            printf("{\"id\": %s, \"error\": {\"message\": \"%s\", \"detail\": \"%s\"%s}}\n", asked, plain(message),
                   plain(place), reason == UNSUPPORTED ? ", \"unsupported\": true" : "");
            continue;
        }
        char *line = read_until(stdin, '\n', &size);
        if (!size && feof(stdin)) return 0;
        token *request = parse_all(line);
        sprintf(asked, "%" PRId64, integer(get(request, "id"), INT64_MIN, INT64_MAX));
        char *method = text(get(request, "method"));
        if (!strcmp(method, "hello") && integer(get(get(request, "params"), "protocol"), 0, INT64_MAX) == 1)
            printf(RESULT "{\"protocol\": 1, \"name\": \"c_worker\", \"environment\": {}}}\n", asked);
        else if (!strcmp(method, "capabilities")) {
            printf(RESULT "{\"models\": [\"graph-json/1\"], \"batch\": false, \"micro_ops\": [", asked);
            for (int op = 0; op < OP_COUNT; op++) printf("%s\"%s\"", op ? ", " : "", ops[op].name);
            printf("], \"types\": [\"int\", \"bool\"], \"records\": [\"*\"], \"limits\": {\"inputs\": 1}}}\n");
        } else if (!strcmp(method, "run")) run(get(request, "params"), size);
        else if (!strcmp(method, "bye")) return printf(RESULT "{}}\n", asked), 0;
        else die(BROKEN, "unknown method or protocol", method);
    }
}
