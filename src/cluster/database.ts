/**
 * The PostgreSQL database that several gateways share. The only home of `pg`. A statement runs on one of a few pooled
 * connections with a time limit at the server and at this end, so that a hanging database delays nobody for longer.
 */
import pg from "pg";
import { addressInWords, parseDatabaseAddress, type DatabaseAddress } from "./database-address.ts";
import { DatabaseUnavailable, unavailableFor } from "./database-unavailable.ts";
import { Listener } from "./listener.ts";

export { DatabaseUnavailable } from "./database-unavailable.ts";

/** `name`: the statement is prepared once per connection under this name. `values`: for `$1` and so on. */
export type Statement = { readonly name?: string; readonly text: string; readonly values?: readonly unknown[] };

/** Runs a statement and resolves to its rows. Rejects with DatabaseUnavailable if the database did not answer. */
export type Query = <Row extends object>(statement: Statement) => Promise<Row[]>;

export type DatabaseOptions = {
  /** `postgresql://user:password@host:port/database`. */
  readonly url: string;
  /** Instead of the one in `url`. */
  readonly password?: string | undefined;
  /** The PostgreSQL schema that contains the gateway's tables. */
  readonly schema: string;
  /** PEM texts; undefined: no TLS. */
  readonly tls: DatabaseTls | undefined;
  /** Name of this connection in `pg_stat_activity`. */
  readonly application: string;
  /** Maximum number of pooled connections. */
  readonly connections?: number;
  /** Milliseconds. */
  readonly connectTimeout?: number;
  /** Milliseconds for one statement. */
  readonly statementTimeout?: number;
};

export type DatabaseTls = {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** The name in the server's certificate. Default: the host of the address. */
  readonly serverName?: string | undefined;
};

const CONNECTIONS = 4;
const CONNECT_TIMEOUT_MS = 2000;
const STATEMENT_TIMEOUT_MS = 2000;
/** The server's own limit should end a statement first, because it says whether the statement was carried out. */
const SERVER_FIRST_MS = 250;

/** An identifier in SQL text. */
export const quoted = (identifier: string): string => `"${identifier.replaceAll('"', '""')}"`;

export class SharedDatabase {
  readonly schema: string;
  /** Database, servers and user in words, without the password. */
  readonly where: string;
  readonly #pool: pg.Pool;
  readonly #listener: Listener;
  #isClosed = false;

  constructor(options: DatabaseOptions) {
    this.schema = options.schema;
    const address = parseDatabaseAddress(options.url);
    if ("fault" in address) throw new RangeError(`expected ${address.fault}`);
    this.where = addressInWords(address);
    const config = clientConfig(options, address);
    this.#pool = new pg.Pool({ ...config, max: options.connections ?? CONNECTIONS, idleTimeoutMillis: 0 });
    // An idle connection that breaks is replaced by the pool at the next statement.
    this.#pool.on("error", () => undefined);
    this.#listener = new Listener(() => new pg.Client({ ...config, query_timeout: undefined, statement_timeout: 0 }));
  }

  readonly query: Query = async <Row extends object>(statement: Statement): Promise<Row[]> => {
    if (this.#isClosed) throw new DatabaseUnavailable("the gateway is stopping", false);
    let isSent = false;
    try {
      const client = await this.#pool.connect();
      isSent = true;
      return await run<Row>(client, statement);
    } catch (error) {
      throw unavailableFor(error, isSent);
    }
  };

  /** Runs `work` in one transaction. Rolls back if it rejects. */
  async transaction<Value>(work: (query: Query) => Promise<Value>): Promise<Value> {
    if (this.#isClosed) throw new DatabaseUnavailable("the gateway is stopping", false);
    let client: pg.PoolClient;
    try {
      client = await this.#pool.connect();
    } catch (error) {
      throw unavailableFor(error, false);
    }
    let isCommitting = false;
    try {
      await client.query("BEGIN");
      const value = await work(async (statement) => (await client.query(queryConfig(statement))).rows);
      isCommitting = true;
      await client.query("COMMIT");
      client.release();
      return value;
    } catch (error) {
      // Ends the connection: the server rolls back what it has not committed.
      client.release(true);
      throw unavailableFor(error, isCommitting);
    }
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
    return this.#pool.waitingCount;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await Promise.all([this.#listener.close(), this.#pool.end()]);
  }
}

const run = async <Row extends object>(client: pg.PoolClient, statement: Statement): Promise<Row[]> => {
  try {
    const { rows } = await client.query<Row>(queryConfig(statement));
    client.release();
    return rows;
  } catch (error) {
    // A connection whose last statement failed or timed out is not used again.
    client.release(true);
    throw error;
  }
};

const queryConfig = ({ name, text, values }: Statement): pg.QueryConfig => ({
  ...(name !== undefined && { name }),
  text,
  ...(values !== undefined && { values: [...values] }),
});

const clientConfig = (options: DatabaseOptions, address: DatabaseAddress): pg.ClientConfig => {
  const limit = options.statementTimeout ?? STATEMENT_TIMEOUT_MS;
  const { tls } = options;
  return {
    host: address.hosts[0]!.host,
    port: address.hosts[0]!.port,
    database: address.database,
    user: address.user,
    password: options.password ?? address.password ?? "",
    options: `-c search_path=${quoted(options.schema).replaceAll(/[\\ ]/g, "\\$&")}`,
    application_name: options.application,
    connectionTimeoutMillis: options.connectTimeout ?? CONNECT_TIMEOUT_MS,
    statement_timeout: limit,
    idle_in_transaction_session_timeout: limit,
    query_timeout: limit + SERVER_FIRST_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 1000,
    ssl: tls
      ? {
          rejectUnauthorized: true,
          minVersion: "TLSv1.2",
          ...(tls.ca !== undefined && { ca: tls.ca }),
          ...(tls.cert !== undefined && { cert: tls.cert }),
          ...(tls.key !== undefined && { key: tls.key }),
          ...(tls.serverName !== undefined && { servername: tls.serverName }),
        }
      : false,
  };
};
