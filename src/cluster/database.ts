/**
 * The PostgreSQL database that several gateways share. A statement runs on one of a few pooled connections with a time
 * limit at the server and at this end, so that a hanging database delays nobody for longer.
 */
import type pg from "pg";
import { Connector, type DatabaseTls } from "./connect.ts";
import { addressInWords, parseDatabaseAddress } from "./database-address.ts";
import { DatabaseUnavailable, isBroken, unavailableFor } from "./database-unavailable.ts";
import { Listener } from "./listener.ts";
import { Pool } from "./pool.ts";

export { quoted, type DatabaseTls } from "./connect.ts";
export { DatabaseUnavailable } from "./database-unavailable.ts";

/** `name`: the statement is prepared once per connection under this name. `values`: for `$1` and so on. */
export type Statement = { readonly name?: string; readonly text: string; readonly values?: readonly unknown[] };

/** Runs a statement and resolves to its rows. Rejects with DatabaseUnavailable if the database did not answer. */
export type Query = <Row extends object>(statement: Statement) => Promise<Row[]>;

export type DatabaseOptions = {
  /** `postgresql://user:password@host:port/database`, as `database-address.ts` reads it. */
  readonly url: string;
  /** Instead of the one in `url`. */
  readonly password?: string | undefined;
  /** The PostgreSQL schema that contains the gateway's tables. */
  readonly schema: string;
  /** PEM texts; undefined: no TLS. A function is called for each connection, so that renewed files are used. */
  readonly tls: DatabaseTls | undefined | (() => Promise<DatabaseTls | undefined>);
  /** Name of this connection in `pg_stat_activity`. */
  readonly application: string;
  /** Maximum number of pooled connections. */
  readonly connections?: number;
  /** Milliseconds. */
  readonly connectTimeout?: number;
  /** Milliseconds for one statement. */
  readonly statementTimeout?: number;
  readonly observer?: StatementObserver;
};

export type StatementObserver = {
  /** `ms`: waiting for a connection included. */
  readonly onAnswered: (ms: number) => void;
  /** The database did not answer. */
  readonly onFailed: () => void;
};

const CONNECTIONS = 4;
const CONNECT_TIMEOUT_MS = 2000;
const STATEMENT_TIMEOUT_MS = 2000;

export class SharedDatabase {
  readonly schema: string;
  /** Database, servers and user in words, without the password. */
  readonly where: string;
  readonly #observer: StatementObserver | undefined;
  readonly #pool: Pool;
  readonly #listener: Listener;
  #isClosed = false;

  constructor(options: DatabaseOptions) {
    const { url, password, schema, tls, application } = options;
    this.schema = schema;
    this.#observer = options.observer;
    const address = parseDatabaseAddress(url);
    if ("fault" in address) throw new RangeError(`expected ${address.fault}`);
    this.where = addressInWords(address);
    const statementTimeout = options.statementTimeout ?? STATEMENT_TIMEOUT_MS;
    const connector = new Connector({
      address: { ...address, password: password ?? address.password },
      schema,
      tls: typeof tls === "function" ? tls : () => Promise.resolve(tls),
      application,
      connectTimeout: options.connectTimeout ?? CONNECT_TIMEOUT_MS,
      statementTimeout,
    });
    this.#pool = new Pool(connector, { most: options.connections ?? CONNECTIONS, patience: statementTimeout });
    this.#listener = new Listener(connector);
  }

  readonly query: Query = async <Row extends object>(statement: Statement): Promise<Row[]> => {
    const begun = performance.now();
    const client = await this.#take();
    let rows: Row[];
    try {
      ({ rows } = await client.query<Row>(queryConfig(statement)));
    } catch (error) {
      throw this.#failed(client, error, true);
    }
    this.#pool.give(client);
    this.#observer?.onAnswered(performance.now() - begun);
    return rows;
  };

  /** Runs `work` in one transaction. Rolls back if it rejects, and rejects with its error. */
  async transaction<Value>(work: (query: Query) => Promise<Value>): Promise<Value> {
    const client = await this.#take();
    let isLost = false;
    const query: Query = async <Row extends object>(statement: Statement): Promise<Row[]> => {
      try {
        return (await client.query<Row>(queryConfig(statement))).rows;
      } catch (error) {
        isLost ||= isBroken(error);
        // The server carries out nothing before the commit.
        throw unavailableFor(error, false);
      }
    };
    let value: Value;
    try {
      await query({ text: "BEGIN" });
      value = await work(query);
    } catch (error) {
      this.#pool.give(client, isLost || !(await rollBack(client)));
      if (error instanceof DatabaseUnavailable) this.#observer?.onFailed();
      throw error;
    }
    try {
      await client.query("COMMIT");
    } catch (error) {
      throw this.#failed(client, error, true);
    }
    this.#pool.give(client);
    return value;
  }

  /**
   * Calls `onPayload` for each notification on the channel. Notifications are lost while the connection is down:
   * `onConnected` is called after each connect, to read what was missed. Returns the function that ends it.
   */
  listen(channel: string, onPayload: (payload: string) => void, onConnected?: () => void): () => void {
    return this.#listener.listen(channel, onPayload, onConnected);
  }

  /** Number of statements that wait for a connection. */
  get waiting(): number {
    return this.#pool.waiting;
  }

  get connections(): Pool["connections"] {
    return this.#pool.connections;
  }

  /** Connects anew for the next statement: another connection has shown that the server does not answer. */
  distrust(): void {
    this.#pool.dropIdle();
    this.#listener.reconnect();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await Promise.all([this.#listener.close(), this.#pool.close()]);
  }

  async #take(): Promise<pg.Client> {
    try {
      return await this.#pool.take();
    } catch (error) {
      this.#observer?.onFailed();
      throw error;
    }
  }

  /** Gives the connection back, and returns the error to reject with. */
  #failed(client: pg.Client, error: unknown, isSent: boolean): unknown {
    this.#pool.give(client, isBroken(error));
    const unavailable = unavailableFor(error, isSent);
    if (unavailable instanceof DatabaseUnavailable) this.#observer?.onFailed();
    return unavailable;
  }
}

/** True if the connection can be used again. */
const rollBack = async (client: pg.Client): Promise<boolean> => {
  try {
    await client.query("ROLLBACK");
    return true;
  } catch {
    return false;
  }
};

const queryConfig = ({ name, text, values }: Statement): pg.QueryConfig => ({
  ...(name !== undefined && { name }),
  text,
  ...(values !== undefined && { values: [...values] }),
});
