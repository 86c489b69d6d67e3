export type Environment = Record<string, string | undefined>;

/** An empty value is an absent one, as somebody leaves it who copies the example. */
export function presentOnly(env: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1].trim() !== ''),
  );
}
