import { z } from 'zod';

/** Who may call an operation. `internal` means other services of the shop, proved by a signed service token. */
export type Access = 'public' | Role | 'internal';
export const Role = z.enum(['customer', 'seller', 'support', 'developer', 'admin']);
export type Role = z.infer<typeof Role>;

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface Operation<
  Input extends z.ZodObject = z.ZodObject,
  Output extends z.ZodType = z.ZodType,
  Problem extends DeclaredProblem = DeclaredProblem,
  Verb extends Method = Method,
  Path extends string = string,
> {
  method: Verb;
  /** Below `/api/v1`; `{name}` takes the input's field of that name. */
  path: Path;
  summary: string;
  access: readonly Access[];
  input: Input;
  output: Output;
  status: 200 | 201 | 202 | 204 | 303;
  /** What it may end in, beside the `generalProblems`; the host sends no other. */
  problems: readonly Problem[];
  /** A public answer that the gateway may keep as bytes. A tag names what a write makes stale. */
  cache?: { ttlSeconds: number; tags: readonly string[] };
  /** The caller must send an Idempotency-Key; ctx.idempotencyKey is then set. */
  idempotent: boolean;
  /** The gateway reads the session row before this call, so that a session revoked a moment ago is refused at once. */
  checksSession: boolean;
  /** Public, and yet the answer is the caller's own: a token that is no good is refused, not taken for a guest's. */
  isPersonal: boolean;
  /** Staff read here what belongs to customers: each call is counted, written down and, beyond a person's work, refused. */
  showsCustomers: boolean;
  /** Calls per minute of one actor (or one address for guests), beside the general limit. */
  limitPerMinute?: number;
  /** The field whose texts are judged one by one and never kept as they came: a NUL in one of them is a verdict, not the end of the call. */
  judgedTexts?: string;
  /** The longest body that is read, everywhere on its way. */
  bodyBytesMax: number;
  /** `form`: a bank's callback (query or form fields arrive as `params`). `upload`: raw bytes arrive as `contentBase64`. `download`: `contentBase64` leaves as bytes. `webhook`: text of any type arrives as `body`, those of the sender's headers that `webhookHeaders` names as `headers`. */
  transport: 'json' | 'form' | 'upload' | 'download' | 'webhook';
  webhookHeaders?: readonly string[];
}

/** Named apart below: compared with the schema of any operation too, they would take the compiler three times as long. */
type Inferred = 'method' | 'path' | 'input' | 'output' | 'problems';

/** Input objects are strict: an unknown field is a 422, so that no price, role or owner slips in from a client (I13). */
export function operation<
  Input extends z.ZodObject,
  Output extends z.ZodType,
  const Verb extends Method,
  const Path extends string,
  Problems extends readonly DeclaredProblem[] = [],
>(
  options: Pick<Operation, 'summary' | 'access'> &
    Partial<Omit<Operation, Inferred>> & {
      method: Verb;
      path: Path;
      input: Input;
      output: Output;
      problems?: Problems;
    },
): Operation<Input, Output, Problems[number], Verb, Path> {
  return {
    status: 200,
    problems: [],
    idempotent: false,
    checksSession: false,
    bodyBytesMax: 64 * 1024,
    isPersonal: false,
    showsCustomers: false,
    transport: 'json',
    ...options,
    input: options.input.strict() as unknown as Input,
  };
}

export interface Contract<
  Name extends string = string,
  Operations extends Record<string, Operation> = Record<string, Operation>,
  Events extends readonly EventType[] = readonly EventType[],
> {
  name: Name;
  operations: Operations;
  /** Events of other services that this one wants delivered. */
  subscribesTo: Events;
}

export function contract<
  Name extends string,
  Operations extends Record<string, Operation>,
  const Events extends readonly EventType[] = [],
>(name: Name, operations: Operations, ...subscribesTo: Events): Contract<Name, Operations, Events> {
  return { name, operations, subscribesTo };
}

/** What went wrong in words of the contract. Recognise it by code (`orderNotFound.is(error)`), never by class. */
export class ProblemError<Data extends object = object> extends Error {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly data: Data;
  readonly detail: string | undefined;

  constructor(fields: { code: string; status: number; title: string; data: Data; detail?: string | undefined }) {
    super(fields.detail ?? fields.title);
    this.name = 'ProblemError';
    this.code = fields.code;
    this.status = fields.status;
    this.title = fields.title;
    this.data = fields.data;
    this.detail = fields.detail;
  }

  /** When it may be asked again, for those that say so. */
  get retryAfterSeconds(): number | undefined {
    return 'retryAfterSeconds' in this.data && typeof this.data.retryAfterSeconds === 'number'
      ? this.data.retryAfterSeconds
      : undefined;
  }

  /** The RFC 9457 body. */
  toBody(): ProblemBody {
    return {
      ...this.data,
      type: `/problems/${this.code}`,
      title: this.title,
      status: this.status,
      code: this.code,
      ...(this.detail === undefined ? {} : { detail: this.detail }),
    };
  }

  /** Rebuilds a problem that crossed the wire; what its data is, `is` of its declaration finds out. */
  static fromBody(body: unknown, status: number): ProblemError {
    const parsed = ProblemBody.safeParse(body);
    if (!parsed.success)
      return new ProblemError({
        code: 'unknown',
        status,
        title: `The answer was ${status} without a problem body`,
        data: {},
      });
    const {
      type: _type,
      title,
      status: bodyStatus,
      code,
      detail,
      instance: _instance,
      requestId: _id,
      ...data
    } = parsed.data;
    return new ProblemError({ code, status: bodyStatus, title, detail, data });
  }
}

export const ProblemBody = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string().optional(),
  instance: z.string().optional(),
  requestId: z.string().optional(),
});
export type ProblemBody = z.infer<typeof ProblemBody>;

/** What a list of problems needs to know of each, whatever data it carries. */
export interface DeclaredProblem {
  code: string;
  status: number;
  title: string;
  data: z.ZodObject;
}

export interface ProblemType<Code extends string, Data extends z.ZodObject> extends DeclaredProblem {
  (
    ...given: keyof Data['shape'] extends never ? [detail?: string] : [data: z.output<Data>, detail?: string]
  ): ProblemError<z.output<Data>>;
  code: Code;
  data: Data;
  /** By its code, and that its data is what was declared: it may come from another process. */
  is: (error: unknown) => error is ProblemError<z.output<Data>>;
}

export function problem<const Code extends string, Data extends z.ZodObject = z.ZodObject<Record<never, never>>>(
  code: Code,
  options: { status: number; title: string; data?: Data },
): ProblemType<Code, Data> {
  const { status, title } = options;
  const data = (options.data ?? z.object({})) as Data; // Without one, Data is its default: no fields.
  const make = (...given: [(object | string)?, string?]) => {
    const [own, detail] = typeof given[0] === 'object' ? [given[0], given[1]] : [{}, given[0]];
    return new ProblemError({ code, status, title, data: own as z.output<Data>, detail }); // As the type of the call asks.
  };
  return Object.assign(make, {
    code,
    status,
    title,
    data,
    is: (error: unknown): error is ProblemError<z.output<Data>> =>
      error instanceof ProblemError && error.code === code && data.safeParse(error.data).success,
  });
}

export interface EventType<Type extends string = string, Data extends z.ZodType = z.ZodType> {
  (data: z.input<Data>): { type: Type; data: z.output<Data> };
  type: Type;
  schema: Data;
}

export function event<const Type extends string, Data extends z.ZodType>(
  type: Type,
  schema: Data,
): EventType<Type, Data> {
  return Object.assign((data: z.input<Data>) => ({ type, data: schema.parse(data) }), { type, schema });
}

/** An event as its consumer gets it. Its id is the same at every delivery. */
export type Delivered<Event extends EventType> =
  Event extends EventType<infer Type, infer Data> ? { id: string; type: Type; data: z.output<Data> } : never;
