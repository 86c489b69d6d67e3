import pg from 'pg';

/**
 * Any connection may break at any moment, and a client without a listener then ends the whole process. A pool listens only while it
 * holds the client; this one is heard from connect to end, lent out or alone. Whoever waits for an answer is told by its query.
 */
export class DatabaseClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    this.on('error', () => undefined);
  }
}
