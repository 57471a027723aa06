/* A worker for snnhub in plain C99: it reads a network as graph-json/1 and runs it bit for bit.
 *
 * It knows no neuron. What a neuron does in one step is a short program in the file, and evaluate() is all that
 * this takes. It knows no transform either: nothing that it runs mixes elements, so each element of each sample is
 * a network of single numbers, a lane, and lanes are run one after another. What it does not know, it refuses.
 * The format: formats/snnhub_formats/spec/graph-json.md. The conversation: docs/worker-protocol.md. */
#include "network.h"

/* ---- The arithmetic of every neuron. */

#define U(x) ((uint64_t)(x).i) /* integers fit 64 bits, as the file proves; where it lies, they wrap */
#define COMPARE(op) v.i = real ? a.f op b.f : a.i op b.i; break
#define ARITHMETIC(op) if (real) v.f = a.f op b.f; else v.i = (int64_t)(U(a) op U(b)); break

static number least(int real, number a, number b) { return (real ? a.f <= b.f : a.i <= b.i) ? a : b; }
static number most(int real, number a, number b) { return (real ? a.f >= b.f : a.i >= b.i) ? a : b; }

static number evaluate(const instr *c, int from, number a, number b, number d) {
    number v = {0};
    int real = from >= F32, bits = (int)(b.i & 63);
    uint64_t rest = U(a) & (((uint64_t)1 << bits) - 1), half = (uint64_t)1 << bits >> 1;
    switch (c->op) {
    case OP_const: return c->imm[0];
    case OP_add: ARITHMETIC(+);
    case OP_sub: ARITHMETIC(-);
    case OP_mul: ARITHMETIC(*);
    case OP_fma: v.f = c->kind == F32 ? fmaf((float)a.f, (float)b.f, (float)d.f) : fma(a.f, b.f, d.f); break;
    case OP_div: v.f = a.f / b.f; break;
    case OP_floordiv:
        if (b.i == 0 || (b.i == -1 && a.i == INT64_MIN)) STOP(BROKEN, "a division that overflows");
        v.i = a.i / b.i - (a.i % b.i != 0 && (a.i < 0) != (b.i < 0));
        break;
    case OP_neg: if (real) v.f = -a.f; else v.i = (int64_t)(0 - U(a)); break;
    case OP_abs: if (real) v.f = fabs(a.f); else v.i = a.i < 0 ? (int64_t)(0 - U(a)) : a.i; break;
    case OP_min: return least(real, a, b);
    case OP_max: return most(real, a, b);
    case OP_clip: return least(real, most(real, a, b), d);
    case OP_shl: v.i = (int64_t)(U(a) << bits); break;
    case OP_shr_floor: v.i = a.i >> bits; break;
    case OP_shr_trunc: v.i = (a.i >> bits) + (a.i < 0 && rest); break;
    case OP_shr_round_half_even:
        v.i = (a.i >> bits) + (rest > half || (rest == half && bits && (a.i >> bits & 1)));
        break;
    case OP_wrap: v.i = (int64_t)(U(a) << (64 - c->imm[0].i)) >> (64 - c->imm[0].i); break;
    case OP_floor: v.f = floor(a.f); break;
    case OP_ceil: v.f = ceil(a.f); break;
    case OP_trunc: v.f = trunc(a.f); break;
    case OP_rint: v.f = rint(a.f); break;
    case OP_eq: COMPARE(==);
    case OP_lt: COMPARE(<);
    case OP_le: COMPARE(<=);
    case OP_gt: COMPARE(>);
    case OP_ge: COMPARE(>=);
    case OP_and: v.i = a.i & b.i; break;
    case OP_or: v.i = a.i | b.i; break;
    case OP_not: v.i = !a.i; break;
    case OP_where: return a.i ? b : d;
    case OP_cast: return convert(a, from, c->kind);
    case OP_check:
        if (real ? !(a.f >= c->imm[0].f && a.f <= c->imm[1].f) : a.i < c->imm[0].i || a.i > c->imm[1].i)
            STOP(BROKEN, "a value left its checked range");
        return a;
    }
    /* + - * / of two f32 in f64, rounded again, is what f32 arithmetic gives: 53 bits are more than 2 * 24 + 1 */
    if (c->kind == F32) v.f = (float)v.f;
    return v;
}

static void step_program(node *n) {
    number *v = n->values;
    for (int64_t k = 0; k < n->length; k++) {
        const instr *c = &n->code[k];
        if (c->op == OP_input) v[k] = n->in[c->imm[0].i].now;
        else if (c->op == OP_param) v[k] = n->param[c->imm[0].i].now;
        else if (c->op == OP_state) v[k] = n->state[c->imm[0].i].now;
        else v[k] = evaluate(c, n->code[*c->args].kind, v[c->args[0]], v[c->args[1]], v[c->args[2]]);
    }
    for (slot *s = n->state; s < n->state + n->states; s++) s->now = v[s->instr];
    for (slot *s = n->out; s < n->out + n->outs; s++) s->now = v[s->instr];
}

/* ---- Running: lanes one after another, steps in order, nodes in the order of the edges without delay. */

static void arrive(slot *s, int64_t step) { /* what all edges deliver, added up */
    number sum = {0};
    for (edge *e = s->edges; e; e = e->rest) {
        number v = convert(e->delay ? e->line[step % e->delay] : e->from->now, e->from->kind, s->sum);
        if (e == s->edges) sum = v;
        else if (s->sum == INT) sum.i = (int64_t)(U(sum) + U(v));
        else sum.f = s->sum == F32 ? (float)(sum.f + v.f) : sum.f + v.f;
    }
    s->now = convert(sum, s->sum, s->kind);
}

static node **in_order(void) {
    node **order = need(node_count, sizeof *order), **end = order;
    for (int news = 1; news;) {
        news = 0;
        for (node *n = nodes; n < nodes + node_count; n++) {
            int waits = n->ready;
            for (slot *s = n->in; s < n->in + n->ins; s++)
                for (edge *e = s->edges; e; e = e->rest) waits += !e->delay && !e->source->ready;
            if (!waits) *end++ = n, n->ready = news = 1;
        }
    }
    if (end - order < node_count) STOP(BROKEN, "a cycle without a delay");
    return order;
}

static number at_element(const array *a, const array *shape, int64_t element) { /* axes of size 1 are shared */
    int64_t at = 0, stride = 1;
    for (int axis = a->rank; axis-- > 0; element /= shape->size[axis]) {
        if (a->size[axis] > 1) at += element % shape->size[axis] * stride;
        stride *= a->size[axis];
    }
    return a->data[at];
}

static void start(int64_t element) {
    for (node *n = nodes; n < nodes + node_count; n++) {
        for (slot *s = n->param; s < n->param + n->params; s++)
            s->now = at_element(&s->all, &nodes->out->all, element);
        for (slot *s = n->state; s < n->state + n->states; s++) s->now = s->init ? s->init->now : s->first;
        for (slot *s = n->in; s < n->in + n->ins; s++)
            for (edge *e = s->edges; e; e = e->rest) memset(e->line, 0, (size_t)e->delay * sizeof *e->line);
    }
}

static void step(node **order, int64_t t) {
    for (int64_t k = 0; k < node_count; k++) {
        node *n = order[k];
        for (slot *s = n->in; s < n->in + n->ins; s++) arrive(s, t);
        place = n->id;
        if (n->code) step_program(n);
    }
    for (node *n = nodes; n < nodes + node_count; n++)
        for (slot *s = n->in; s < n->in + n->ins; s++)
            for (edge *e = s->edges; e; e = e->rest)
                if (e->delay) e->line[t % e->delay] = e->from->now;
}

/* ---- Conversation: one JSON object a line; each request is answered with a result or an error. */

typedef struct { const char *key; char *path; slot *what; array values; } record;

static record open_record(token *wanted, const char *folder, int64_t number_of, const array *axes) {
    record r = {.key = text(wanted), .values = *axes};
    const char *slash = strrchr(r.key, '/');
    node *n = find(r.key, strlen(r.key));
    if (n && n->ins && !n->outs) r.what = n->in;
    n = slash ? find(r.key, (size_t)(slash - r.key)) : NULL;
    if (n && n->ins && !r.what) r.what = named(n->out, n->outs, slash + 1);
    if (n && n->ins && !r.what) r.what = named(n->state, n->states, slash + 1);
    if (!r.what) STOP(BROKEN, "nothing to record under %.100s", r.key);
    const array *shape = &nodes->out->all;
    for (int axis = 0; axis < shape->rank; axis++) grow(&r.values, r.what->shared ? 1 : shape->size[axis]);
    r.values.kind = r.what->kind;
    r.values.data = need(r.values.count, sizeof(number));
    r.path = need((int64_t)strlen(folder) + 32, 1);
    sprintf(r.path, "%s/%" PRId64 ".npy", folder, number_of);
    return r;
}

static array *read_input(const slot *input, const char *path, int batched) {
    array *x = read_npy(path);
    int lead = 1 + batched;
    if (x->kind >= F32 && input->kind <= BOOL) STOP(BROKEN, "floats for an input of integers");
    if (x->rank != lead + input->all.rank) STOP(BROKEN, "an input with %d axes", x->rank);
    for (int axis = lead; axis < x->rank; axis++)
        if (x->size[axis] != input->all.size[axis - lead]) STOP(BROKEN, "an input of another shape");
    for (int64_t at = 0; at < x->count; at++) x->data[at] = convert(x->data[at], x->kind, input->kind);
    return x;
}

static void run(token *params, const char *id) {
    int64_t size, batched = *get(params, "batched")->text == 't', wanted = get(params, "record")->count;
    model = parse_all(read_until(fopen(text(get(params, "model")), "rb"), EOF, &size));
    slot *input = read_model();
    array *x = read_input(input, text(get(params, "input")), (int)batched), axes = {0};
    if (get(params, "options")->count) STOP(UNSUPPORTED, "options");
    int64_t steps = integer(get(params, "steps"), 1, MAX_SIZE), samples = batched ? x->size[1] : 1;
    int64_t elements = input->all.count, lanes = samples * elements;
    grow(&axes, steps);
    if (batched) grow(&axes, samples);
    record *records = need(wanted, sizeof *records), *end = records;
    EACH(key, get(params, "record")) {
        *end = open_record(key, text(get(params, "folder")), end - records, &axes);
        end++;
    }
    node **order = in_order();
    for (int64_t lane = 0; lane < lanes; lane++) {
        start(lane % elements);
        for (int64_t t = 0; t < steps; t++) {
            input->now = (number){0}; /* behind the end of the input; all bits zero is 0.0 as well */
            if (t < x->size[0]) input->now = x->data[t * lanes + lane];
            step(order, t);
            for (record *r = records; r < end; r++)
                r->values.data[r->what->shared ? t * samples + lane / elements : t * lanes + lane] = r->what->now;
        }
    }
    for (record *r = records; r < end; r++) write_npy(r->path, &r->values);
    printf("{\"id\": %s, \"result\": {\"arrays\": {", id);
    for (record *r = records; r < end; r++) printf("%s\"%s\": \"%s\"", r == records ? "" : ", ", r->key, r->path);
    printf("}}}\n");
}

static void capabilities(const char *id) {
    printf("{\"id\": %s, \"result\": {\"models\": [\"graph-json/1\"], \"transforms\": {}, \"micro_ops\": [", id);
    for (int k = 0; k < OP_COUNT; k++) printf("%s\"%s\"", k ? ", " : "", ops[k].name);
    printf("], \"types\": [\"int\", \"bool\", \"f32\", \"f64\"], \"batch\": true, \"records\": [\"*\"], "
           "\"options\": [], \"limits\": {\"delay\": %d, \"float_edges\": %d, \"inputs\": 1}}}\n",
           MAX_DELAY, FLOAT_EDGES);
}

static void complain(const char *id, const char *more) {
    for (char *letter = message; *letter; letter++) /* a message never breaks its line of JSON */
        if (*letter < ' ' || *letter > '~' || *letter == '"' || *letter == '\\') *letter = '\'';
    printf("{\"id\": %s, \"error\": {\"message\": \"%s\", \"detail\": \"%s\"%s}}\n",
           id, message, place ? place : "", more);
}

int main(void) {
    static char id[32];
    for (;; fflush(stdout), release()) {
        strcpy(id, "null");
        place = NULL;
        switch (setjmp(failed)) {
        case BROKEN: complain(id, ""); continue;
        case UNSUPPORTED: complain(id, ", \"unsupported\": true"); continue;
        }
        int64_t size;
        char *line = read_until(stdin, '\n', &size);
        if (!size && feof(stdin)) return 0;
        token *request = parse_all(line);
        snprintf(id, sizeof id, "%" PRId64, integer(get(request, "id"), INT64_MIN, INT64_MAX));
        const char *method = text(get(request, "method"));
        token *params = get(request, "params");
        if (!strcmp(method, "hello") && integer(get(params, "protocol"), 0, INT32_MAX) == 1)
            printf("{\"id\": %s, \"result\": {\"protocol\": 1, \"name\": \"c_worker\", "
                   "\"environment\": {\"C\": \"%ld\"}}}\n", id, __STDC_VERSION__);
        else if (!strcmp(method, "capabilities")) capabilities(id);
        else if (!strcmp(method, "run")) run(params, id);
        else if (!strcmp(method, "bye")) return printf("{\"id\": %s, \"result\": {}}\n", id), 0;
        else STOP(BROKEN, "unknown method or protocol: %.40s", method);
    }
}
