/** An event on its way to a consumer. Its id is the same at every delivery. */
export interface EventEnvelope {
  id: string;
  type: string;
  data: unknown;
}
