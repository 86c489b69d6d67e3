/** Where files live. Keys are made by us; a public file's key begins with `public-` and names its content, so it never changes. */
export interface ObjectStore {
  put(key: string, bytes: Buffer, contentType: string): Promise<void>;
  get(key: string): Promise<{ bytes: Buffer; contentType: string } | undefined>;
}
