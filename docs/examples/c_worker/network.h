/* Networks: what they are made of, and how they are read from graph-json/1. Everything unknown is refused here. */
#include "plain.h"

enum { MAX_DELAY = 1 << 20, FLOAT_EDGES = 2 };

#define OPS(X) /* name, operands, immediate values */ \
    X(const, 0, 1) X(input, 0, 1) X(param, 0, 1) X(state, 0, 1) X(add, 2, 0) X(sub, 2, 0) X(mul, 2, 0) \
    X(fma, 3, 0) X(div, 2, 0) X(floordiv, 2, 0) X(neg, 1, 0) X(abs, 1, 0) X(min, 2, 0) X(max, 2, 0) \
    X(clip, 3, 0) X(shl, 2, 0) X(shr_floor, 2, 0) X(shr_trunc, 2, 0) X(shr_round_half_even, 2, 0) \
    X(wrap, 1, 1) X(floor, 1, 0) X(ceil, 1, 0) X(trunc, 1, 0) X(rint, 1, 0) X(eq, 2, 0) X(lt, 2, 0) \
    X(le, 2, 0) X(gt, 2, 0) X(ge, 2, 0) X(and, 2, 0) X(or, 2, 0) X(not, 1, 0) X(where, 3, 0) X(cast, 1, 1) \
    X(check, 1, 2)
#define NAME(name, operands, imms) OP_##name,
#define ROW(name, operands, imms) {#name, operands, imms},
enum { OPS(NAME) OP_COUNT };
static const struct { const char *name; int operands, imms; } ops[] = {OPS(ROW)};

typedef struct { int op, kind, args[3]; number imm[2]; } instr;
typedef struct edge {
    struct edge *rest;
    struct slot *from;
    struct node *source;
    int64_t delay;
    number *line; /* what `from` was in the last steps, as many as the delay */
} edge;
typedef struct slot { /* a port, a parameter or a state */
    const char *name;
    token *json;
    int kind, sum, edge_count; /* sum: the kind of what arrives, added up */
    int shared;                /* a state that all elements have together */
    int64_t instr;             /* which instruction makes its value */
    number *now, *next;        /* for every element of every sample; of parameters for every element */
    number first;              /* what a state begins with, */
    struct slot *init;         /* or the parameter that says so */
    array all;                 /* shape; of parameters with the numbers in the file */
    edge *edges;               /* what leads here */
} slot;
typedef struct node { /* inputs and outputs of the network are nodes too, with one port x */
    const char *id;
    int64_t ins, outs, params, states, length;
    slot *in, *out, *param, *state;
    instr *code;
    number *values; /* of the instructions, one element at a time */
    int ready, dense, wrap, shift;
} node;

static token *model;
static const char *place; /* the node that is being read or run */
static node *nodes;
static int64_t node_count, samples;

/* ---- Reading the network. */

static int kind_of(token *index) {
    token *type = nth(get(model, "types"), integer(index, 0, INT32_MAX));
    if (type->tag == '{') return sized(get(sized(type, 1), "int"), 2), INT;
    const char *name = text(type), *names[] = {"bool", "f32", "f64"};
    for (int kind = BOOL; kind <= F64; kind++)
        if (!strcmp(name, names[kind - BOOL])) return kind;
    return STOP(UNSUPPORTED, "type %.20s", name), INT;
}

static slot *read_slots(token *list, int keys, int64_t *found) {
    slot *slots = need(list->count, sizeof *slots), *s = slots;
    *found = sized(list, list->count)->count;
    EACH(item, list) {
        s->name = text(get(sized(item, keys), "name"));
        s++->json = item;
    }
    return slots;
}

static node *find(const char *id, size_t length) {
    for (node *n = nodes; n < nodes + node_count; n++)
        if (strlen(n->id) == length && !memcmp(n->id, id, length)) return n;
    return NULL;
}

static slot *named(slot *slots, int64_t count, const char *name) {
    for (slot *s = slots; s < slots + count; s++)
        if (!strcmp(s->name, name)) return s;
    return NULL;
}

static void read_param(slot *s, token *name) {
    token *tensor = sized(get(get(model, "tensors"), text(name)), 3), *data = get(tensor, "data");
    const char *dtype = text(get(tensor, "dtype"));
    int kind = !strcmp(dtype, "float32") ? F32 : !strcmp(dtype, "float64") ? F64 : INT;
    array *a = &s->all;
    if (kind != s->kind || !strcmp(dtype, "float16")) STOP(UNSUPPORTED, "type of parameter %.40s", s->name);
    a->count = 1;
    EACH(size, get(tensor, "shape")) grow(a, integer(size, 1, MAX_SIZE));
    number *next = a->data = need(a->count, sizeof *next);
    EACH(item, sized(data, a->count)) *next++ = read_number(item, s->kind);
}

static void read_instr(node *n, instr *c, token *t) {
    char *name = text(nth(sized(t, 4), 0));
    int64_t tables[] = {[OP_input] = n->ins, [OP_param] = n->params, [OP_state] = n->states, [OP_wrap] = 65};
    while (c->op < OP_COUNT && strcmp(name, ops[c->op].name)) c->op++;
    if (c->op == OP_COUNT) STOP(UNSUPPORTED, "micro-operation %.40s", name);
    int *arg = c->args;
    EACH(item, sized(nth(t, 1), ops[c->op].operands)) *arg++ = (int)integer(item, 0, c - n->code - 1);
    c->kind = kind_of(nth(t, 2));
    number *imm = c->imm;
    EACH(item, sized(nth(t, 3), ops[c->op].imms)) {
        if (c->op == OP_const || c->op == OP_check) *imm++ = read_number(item, c->kind);
        else if (c->op != OP_cast) imm++->i = integer(item, c->op == OP_wrap ? 2 : 0, tables[c->op] - 1);
    } /* a cast makes what the kind of its instruction says */
}

static void read_program(node *n, token *program, token *params) {
    token *code = get(sized(program, 6), "code"), *next = get(program, "next");
    n->in = read_slots(get(program, "inputs"), 2, &n->ins);
    n->param = read_slots(get(program, "params"), 2, &n->params);
    n->state = read_slots(get(program, "states"), 4, &n->states);
    n->out = read_slots(get(program, "outputs"), 2, &n->outs);
    n->code = need(code->count, sizeof *n->code);
    n->values = need(code->count, sizeof *n->values);
    EACH(item, code) read_instr(n, &n->code[n->length++], item);
    for (slot *s = n->in; s < n->in + n->ins; s++) s->kind = kind_of(get(s->json, "type"));
    for (slot *s = n->out; s < n->out + n->outs; s++) {
        s->instr = integer(get(s->json, "instr"), 0, n->length - 1);
        s->kind = n->code[s->instr].kind;
    }
    for (slot *s = n->param; s < n->param + n->params; s++) {
        s->kind = kind_of(get(s->json, "type"));
        read_param(s, get(sized(params, n->params), s->name));
    }
    for (slot *s = n->state; s < n->state + n->states; s++) {
        s->kind = kind_of(get(s->json, "type"));
        s->instr = integer(nth(sized(next, n->states), s - n->state), 0, n->length - 1);
        token *init = get(s->json, "init");
        if (init->tag == '{') s->init = named(n->param, n->params, text(get(sized(init, 1), "param")));
        else s->first = read_number(init, s->kind);
        if (init->tag == '{' && !s->init) STOP(BROKEN, "no such parameter to begin with");
        s->shared = !strcmp(text(get(s->json, "scope")), "node");
        if (!s->shared && strcmp(text(get(s->json, "scope")), "element")) STOP(UNSUPPORTED, "unknown scope");
    }
}

static void read_edge(token *t) {
    char *from = text(nth(get(sized(t, 3), "from"), 0)), *to = text(nth(get(t, "to"), 0));
    node *source = find(from, strlen(from)), *target = find(to, strlen(to));
    slot *out = source ? named(source->out, source->outs, text(nth(get(t, "from"), 1))) : NULL;
    slot *in = target ? named(target->in, target->ins, text(nth(get(t, "to"), 1))) : NULL;
    if (!out || !in) STOP(BROKEN, "an edge without an end, from %.40s to %.40s", from, to);
    edge *e = need(1, sizeof *e);
    *e = (edge){in->edges, out, source, integer(get(t, "delay"), 0, MAX_DELAY), NULL};
    e->line = need(e->delay, sizeof *e->line);
    in->edges = e; /* in any order: integers add up exactly, and two floats with one rounding */
    int kind = out->kind == BOOL ? INT : out->kind;
    if (kind >= F32 && in->sum >= F32 && kind != in->sum) STOP(UNSUPPORTED, "f32 and f64 into %.40s", to);
    in->sum = kind > in->sum ? kind : in->sum;
    if (++in->edge_count > FLOAT_EDGES && in->sum >= F32) STOP(UNSUPPORTED, "three edges of floats: %.40s", to);
    if (!target->code) in->kind = in->sum;
    if (target->dense && in->sum != INT) STOP(UNSUPPORTED, "core.Dense of floats: %.40s", to);
}


static slot *port(const char *name) {
    slot *made = need(1, sizeof *made);
    made->name = name;
    return made;
}

static void read_dense(node *n, token *attributes, token *params) { /* the one transform, for integers */
    n->params = 1 + (*get(sized(attributes, 3), "bias")->text == 't');
    n->wrap = !strcmp(text(get(attributes, "accumulate")), "wrap24");
    n->shift = (int)integer(get(attributes, "shift"), 0, 24);
    n->ins = n->outs = n->dense = 1;
    n->in = port("x");
    n->out = port("y");
    n->param = need(n->params, sizeof *n->param);
    for (slot *s = n->param; s < n->param + n->params; s++) {
        s->name = s == n->param ? "weight" : "bias";
        read_param(s, get(sized(params, n->params), s->name));
        if (s->all.rank != (s == n->param ? 2 : 1) || s->all.size[0] != n->param->all.size[0])
            STOP(BROKEN, "shape of %s", s->name);
    }
}

static void read_node(node *n, token *t) {
    place = n->id = text(get(sized(t, 6), "id"));
    token *attributes = get(t, "attributes"); /* where there is a program, they made it what it is */
    int known = !strcmp(text(get(t, "op")), "core.Dense") && integer(get(t, "version"), 0, UINT32_MAX) == 1;
    if (get(t, "program")->tag == 'n' && !known) STOP(UNSUPPORTED, "transform %.60s", text(get(t, "op")));
    if (get(t, "program")->tag == 'n') read_dense(n, attributes, get(t, "params"));
    else read_program(n, nth(get(model, "programs"), integer(get(t, "program"), 0, INT32_MAX)), get(t, "params"));
    if (!n->ins || !n->outs) STOP(BROKEN, "a node without inputs or outputs");
}

static slot *read_model(void) { /* gives the input */
    const char *known[] = {"schema", "digest", "name", "dt", "types", "programs", "tensors", "decoder", "edges"};
    token *inputs = get(model, "inputs"), *inner = get(model, "nodes"), *outputs = get(model, "outputs");
    sized(model, 12);
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) get(model, known[k]);
    if (strcmp(text(get(model, "schema")), "graph-json/1")) STOP(UNSUPPORTED, "not graph-json/1");
    if (inputs->count != 1) STOP(UNSUPPORTED, "a network with %d inputs", (int)inputs->count);
    node *n = nodes = need(1 + inner->count + outputs->count, sizeof *nodes);
    token *input = sized(nth(inputs, 0), 4);
    n->id = text(get(input, "id"));
    get(input, "hold"); /* whoever asks has repeated the frame already */
    n->out = port("x");
    n->outs = 1;
    n->out->kind = kind_of(get(input, "type"));
    n->out->all.count = 1;
    EACH(size, get(input, "shape")) grow(&n->out->all, integer(size, 1, MAX_SIZE));
    EACH(item, inner) read_node(++n, item);
    EACH(id, outputs) {
        (++n)->id = text(id);
        n->in = port("x");
        n->ins = 1;
    }
    place = NULL;
    node_count = n + 1 - nodes;
    EACH(item, get(model, "edges")) read_edge(item);
    return nodes->out;
}
