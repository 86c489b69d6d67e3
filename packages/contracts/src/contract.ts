import { z } from 'zod';

/** Who may call an operation. `internal` means other services of the shop, proved by a signed service token. */
export type Access = 'public' | Role | 'internal';
export const Role = z.enum(['customer', 'seller', 'support', 'developer', 'admin']);
export type Role = z.infer<typeof Role>;

export interface Operation<Input extends z.ZodObject = z.ZodObject, Output extends z.ZodType = z.ZodType> {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below `/api/v1`; `{name}` takes the input's field of that name. */
  path: string;
  summary: string;
  access: readonly Access[];
  input: Input;
  output: Output;
  status: 200 | 201 | 202 | 204 | 303;
  problems: readonly DeclaredProblem[];
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
  /** `form`: a bank's callback (query or form fields arrive as `params`). `upload`: raw bytes arrive as `contentBase64`. `download`: `contentBase64` leaves as bytes. `webhook`: text of any type arrives as `body`, the sender's own headers as `headers`. */
  transport: 'json' | 'form' | 'upload' | 'download' | 'webhook';
}

type OperationOptions<Input extends z.ZodObject, Output extends z.ZodType> = Pick<
  Operation<Input, Output>,
  'method' | 'path' | 'summary' | 'access' | 'input' | 'output'
> &
  Partial<Operation<Input, Output>>;

/** Input objects are strict: an unknown field is a 422, so that no price, role or owner slips in from a client (I13). */
export function operation<Input extends z.ZodObject, Output extends z.ZodType>(
  options: OperationOptions<Input, Output>,
): Operation<Input, Output> {
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
> {
  name: Name;
  operations: Operations;
  /** Events of other services that this one wants delivered. */
  subscribesTo: readonly EventType[];
}

export function contract<Name extends string, Operations extends Record<string, Operation>>(
  name: Name,
  operations: Operations,
  subscribesTo: readonly EventType[] = [],
): Contract<Name, Operations> {
  return { name, operations, subscribesTo };
}

/** What went wrong in words of the contract. Recognise it by code (`orderNotFound.is(error)`), never by class. */
export class ProblemError extends Error {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly data: Record<string, unknown>;
  readonly detail: string | undefined;

  constructor(fields: {
    code: string;
    status: number;
    title: string;
    data?: Record<string, unknown>;
    detail?: string | undefined;
  }) {
    super(fields.detail ?? fields.title);
    this.name = 'ProblemError';
    this.code = fields.code;
    this.status = fields.status;
    this.title = fields.title;
    this.data = fields.data ?? {};
    this.detail = fields.detail;
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

  /** Rebuilds a problem that crossed the wire. */
  static fromBody(body: unknown, status: number): ProblemError {
    const parsed = ProblemBody.safeParse(body);
    if (!parsed.success)
      return new ProblemError({ code: 'unknown', status, title: `The answer was ${status} without a problem body` });
    const { type: _type, title, status: bodyStatus, code, detail, instance: _instance, ...data } = parsed.data;
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
export type DeclaredProblem = Pick<ProblemType<never>, 'code' | 'status' | 'title'>;

export interface ProblemType<Data extends Record<string, unknown> = Record<string, unknown>> {
  (data?: Data, detail?: string): ProblemError;
  code: string;
  status: number;
  title: string;
  is: (error: unknown) => error is ProblemError;
}

export function problem<Data extends Record<string, unknown> = Record<string, unknown>>(
  code: string,
  options: { status: number; title: string },
): ProblemType<Data> {
  const make = (data?: Data, detail?: string) =>
    new ProblemError({ code, ...options, ...(data ? { data } : {}), detail });
  return Object.assign(make, {
    code,
    ...options,
    is: (error: unknown): error is ProblemError => error instanceof ProblemError && error.code === code,
  });
}

export interface EventType<Data extends z.ZodType = z.ZodType> {
  (data: z.input<Data>): { type: string; data: z.output<Data> };
  type: string;
  schema: Data;
}

export function event<Data extends z.ZodType>(type: string, schema: Data): EventType<Data> {
  return Object.assign((data: z.input<Data>) => ({ type, data: schema.parse(data) }), { type, schema });
}
