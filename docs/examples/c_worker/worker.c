/* A worker for snnhub in plain C99: it reads a network as graph-json/1 and runs it bit for bit.
 *
 * It knows no neuron. What a neuron does in one step is a short program in the file, and evaluate() is all that
 * this takes. It knows one transform, the product with a matrix of integers. What it does not know, it refuses.
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

static void compute(node *n) { /* the program, for every element of every sample */
    int64_t elements = n->out->all.count;
    for (int64_t at = 0; at < elements * samples; at++) {
        number *v = n->values;
        for (const instr *c = n->code; c < n->code + n->length; c++, v++) {
            const number *r = n->values;
            const slot *state = c->op == OP_state ? &n->state[c->imm[0].i] : NULL;
            if (state) *v = state->now[state->shared ? at / elements : at];
            else if (c->op == OP_input) *v = n->in[c->imm[0].i].now[at];
            else if (c->op == OP_param) *v = n->param[c->imm[0].i].now[at % elements];
            else *v = evaluate(c, n->code[*c->args].kind, r[c->args[0]], r[c->args[1]], r[c->args[2]]);
        }
        for (slot *s = n->state; s < n->state + n->states; s++)
            s->next[s->shared ? at / elements : at] = n->values[s->instr];
        for (slot *s = n->out; s < n->out + n->outs; s++) s->now[at] = n->values[s->instr];
    }
    for (slot *s = n->state; s < n->state + n->states; s++) { /* all states change together */
        number *old = s->now;
        s->now = s->next;
        s->next = old;
    }
}

static void multiply(node *n) {
    int64_t rows = n->param->all.size[0], columns = n->param->all.size[1];
    for (int64_t at = 0; at < n->out->all.count * samples; at++) {
        const number *weight = n->param->all.data + at % rows * columns, *x = n->in->now + at / rows * columns;
        uint64_t sum = n->params > 1 ? U(n->param[1].all.data[at % rows]) : 0;
        for (int64_t k = 0; k < columns; k++) sum += U(weight[k]) * U(x[k]);
        n->out->now[at].i = (n->wrap ? (int64_t)(sum << 40) >> 40 : (int64_t)sum) >> n->shift;
    }
}

/* ---- Running: shapes follow the edges, everything gets its memory, then steps in order, nodes in theirs. */

static int settle(node *n) {
    int news = 0;
    for (slot *s = n->in; s < n->in + n->ins; s++) {
        for (edge *e = s->edges; e; e = e->rest) news += take_shape(&s->all, &e->from->all);
        for (slot *t = n->in; t < n->in + n->ins && n->code; t++) news += take_shape(&t->all, &s->all);
        for (slot *t = n->out; t < n->out + n->outs && n->code; t++) news += take_shape(&t->all, &s->all);
    }
    if (n->dense && n->in->all.count) {
        array y = {.count = 1}, *x = &n->in->all;
        if (!x->rank || x->size[x->rank - 1] != n->param->all.size[1]) STOP(BROKEN, "shape of x or weight");
        for (int k = 0; k < x->rank; k++) grow(&y, k + 1 < x->rank ? x->size[k] : n->param->all.size[0]);
        news += take_shape(&n->out->all, &y);
    }
    return news;
}

static void furnish(node *n) { /* memory; delays and states as they are before the start */
    for (slot *s = n->out; s < n->out + n->outs; s++) s->now = need(s->all.count * samples, sizeof(number));
    for (slot *s = n->in; s < n->in + n->ins; s++) {
        if (!s->all.count) STOP(BROKEN, "no shape reaches this node");
        s->now = need(s->all.count * samples, sizeof(number));
        for (edge *e = s->edges; e; e = e->rest)
            e->line = need(e->delay, (size_t)(s->all.count * samples) * sizeof(number));
    }
    for (slot *s = n->param; s < n->param + n->params && n->code; s++) s->now = spread(&s->all, &n->out->all);
    for (slot *s = n->state; s < n->state + n->states; s++) {
        s->all = n->out->all;
        for (int axis = 0; axis < s->all.rank && s->shared; axis++) s->all.size[axis] = 1;
        s->all.count = s->shared ? 1 : s->all.count;
        s->now = need(s->all.count * samples, sizeof(number));
        s->next = need(s->all.count * samples, sizeof(number));
        for (int64_t at = 0; at < s->all.count * samples; at++)
            s->now[at] = s->init ? s->init->now[at % s->all.count] : s->first;
    }
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

static void arrive(slot *s, int64_t t) { /* what all edges deliver, added up */
    int64_t total = s->all.count * samples;
    for (edge *e = s->edges; e; e = e->rest) {
        const number *from = e->delay ? e->line + t % e->delay * total : e->from->now;
        for (int64_t at = 0; at < total; at++) {
            number v = convert(from[at], e->from->kind, s->sum), *sum = &s->now[at];
            if (e == s->edges) *sum = v;
            else if (s->sum == INT) sum->i = (int64_t)(U(*sum) + U(v));
            else sum->f = s->sum == F32 ? (float)(sum->f + v.f) : sum->f + v.f;
        }
    }
    for (int64_t at = 0; at < total; at++) s->now[at] = convert(s->now[at], s->sum, s->kind);
}

static void step(node **order, int64_t t) {
    for (int64_t k = 0; k < node_count; k++) {
        node *n = order[k];
        place = n->id;
        for (slot *s = n->in; s < n->in + n->ins; s++) arrive(s, t);
        if (n->code) compute(n);
        if (n->dense) multiply(n);
    }
    for (node *n = nodes; n < nodes + node_count; n++)
        for (slot *s = n->in; s < n->in + n->ins; s++)
            for (edge *e = s->edges; e; e = e->rest) {
                int64_t total = s->all.count * samples;
                if (e->delay) memcpy(e->line + t % e->delay * total, e->from->now, (size_t)total * sizeof(number));
            }
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
    for (int axis = 0; axis < r.what->all.rank; axis++) grow(&r.values, r.what->all.size[axis]);
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
    samples = batched ? x->size[1] : 1;
    for (int news = 1; news;) {
        news = 0;
        for (node *n = nodes; n < nodes + node_count; n++) place = n->id, news += settle(n);
    }
    for (node *n = nodes; n < nodes + node_count; n++) place = n->id, furnish(n);
    int64_t steps = integer(get(params, "steps"), 1, MAX_SIZE), lanes = samples * input->all.count;
    node **order = in_order();
    grow(&axes, steps);
    if (batched) grow(&axes, samples);
    record *records = need(wanted, sizeof *records), *end = records;
    EACH(key, get(params, "record")) {
        *end = open_record(key, text(get(params, "folder")), end - records, &axes);
        end++;
    }
    for (int64_t t = 0; t < steps; t++) {
        memset(input->now, 0, (size_t)lanes * sizeof(number)); /* behind the end; 0.0 too is all zeros */
        if (t < x->size[0]) memcpy(input->now, x->data + t * lanes, (size_t)lanes * sizeof(number));
        step(order, t);
        for (record *r = records; r < end; r++) {
            int64_t total = r->what->all.count * samples;
            memcpy(r->values.data + t * total, r->what->now, (size_t)total * sizeof(number));
        }
    }
    for (record *r = records; r < end; r++) write_npy(r->path, &r->values);
    printf("{\"id\": %s, \"result\": {\"arrays\": {", id);
    for (record *r = records; r < end; r++) printf("%s\"%s\": \"%s\"", r == records ? "" : ", ", r->key, r->path);
    printf("}}}\n");
}

static void capabilities(const char *id) {
    printf("{\"id\": %s, \"result\": {\"models\": [\"graph-json/1\"], \"micro_ops\": [", id);
    for (int k = 0; k < OP_COUNT; k++) printf("%s\"%s\"", k ? ", " : "", ops[k].name);
    printf("], \"types\": [\"int\", \"bool\", \"f32\", \"f64\"], \"batch\": true, \"records\": [\"*\"], "
           "\"options\": [], \"transforms\": {\"core.Dense/1\": {\"types\": [\"int\", \"bool\"]}}, "
           "\"limits\": {\"delay\": %d, \"float_edges\": %d, \"inputs\": 1}}}\n",
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
