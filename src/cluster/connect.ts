/**
 * Makes connections to the server that accepts writes, among the servers of the address: a standby that was promoted is
 * found by itself. Each connection is checked once: that it is not read-only, and that it keeps its settings, which a
 * connection pooler between the gateway and PostgreSQL would lose.
 */
import pg from "pg";
import { DatabaseUnavailable, unavailableFor } from "./database-unavailable.ts";
import { hostInWords, type DatabaseAddress, type DatabaseHost } from "./database-address.ts";

export type DatabaseTls = {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** The name in the server's certificate. Default: the host of the address. */
  readonly serverName?: string | undefined;
};

export type ConnectOptions = {
  readonly address: DatabaseAddress;
  readonly schema: string;
  /** PEM texts, asked for each connection so that renewed files are used; undefined: no TLS. */
  readonly tls: () => Promise<DatabaseTls | undefined>;
  readonly application: string;
  /** Milliseconds for one server, the check included. */
  readonly connectTimeout: number;
  /** Milliseconds for one statement; 0 for none. */
  readonly statementTimeout: number;
};

/** The next server is tried after this time, or when the one before has failed. */
const STAGGER_MS = 250;
/** The server's own limit should end a statement first, because it says whether the statement was carried out. */
const SERVER_FIRST_MS = 250;

/** An identifier in SQL text. */
export const quoted = (identifier: string): string => `"${identifier.replaceAll('"', '""')}"`;

/** Ends the connection at once, without the server's help: it may not answer. */
export const drop = (client: pg.Client): void => {
  client.on("error", () => undefined);
  client.connection.stream.destroy();
};

export class Connector {
  readonly #options: ConnectOptions;
  /** The server of the last connection is tried first. */
  #preferred = 0;

  constructor(options: ConnectOptions) {
    this.#options = options;
  }

  /** Rejects with DatabaseUnavailable, with what each server said. */
  async connect(): Promise<pg.Client> {
    const { hosts } = this.#options.address;
    const order = hosts.map((_, at) => (this.#preferred + at) % hosts.length);
    const tls = await this.#options.tls().catch((error: unknown) => {
      throw unavailableFor(error, false);
    });
    const { promise, resolve, reject } = Promise.withResolvers<pg.Client>();
    let isDone = false;
    const failures = new Map<number, string>();
    const attempt = (nth: number): void => {
      const at = order[nth];
      if (at === undefined || isDone) return;
      let hasNextBegun = false;
      const next = (): void => {
        clearTimeout(timer);
        if (!hasNextBegun) attempt(nth + 1);
        hasNextBegun = true;
      };
      const timer = setTimeout(next, STAGGER_MS).unref();
      this.#open(hosts[at]!, tls).then(
        (client) => {
          clearTimeout(timer);
          if (isDone) return drop(client);
          isDone = true;
          this.#preferred = at;
          resolve(client);
        },
        (error: unknown) => {
          if (!(error instanceof DatabaseUnavailable)) reject(error as Error);
          else failures.set(at, error.message);
          next();
          if (failures.size === hosts.length) reject(new DatabaseUnavailable(inWords(hosts, failures), false, error));
        },
      );
    };
    attempt(0);
    return promise;
  }

  async #open(host: DatabaseHost, tls: DatabaseTls | undefined): Promise<pg.Client> {
    const client = new pg.Client(clientConfig(this.#options, host, tls));
    client.on("error", () => undefined);
    // The limit of `pg` ends with the login; a server that hangs later would keep the check waiting.
    const limit = setTimeout(() => drop(client), this.#options.connectTimeout).unref();
    try {
      await client.connect();
      const { rows } = await client.query<Checked>(CHECK);
      const why = whyUnusable(rows[0]!, this.#options.schema);
      if (why !== undefined) throw new DatabaseUnavailable(why, false);
      return client;
    } catch (error) {
      drop(client);
      throw unavailableFor(error, false);
    } finally {
      clearTimeout(limit);
    }
  }
}

const inWords = (hosts: readonly DatabaseHost[], failures: ReadonlyMap<number, string>): string =>
  hosts.length === 1
    ? failures.get(0)!
    : hosts.map((host, at) => `${hostInWords(host)}: ${failures.get(at)!.replace(PLACE, "")}`).join("; ");

const PLACE = /^no connection to \S+: /;

type Checked = { readonly recovers: boolean; readonly readOnly: string; readonly path: string };

const CHECK = `SELECT pg_is_in_recovery() AS recovers, current_setting('transaction_read_only') AS "readOnly",
  current_setting('search_path') AS path`;

const whyUnusable = ({ recovers, readOnly, path }: Checked, schema: string): string | undefined => {
  if (recovers) return "the server is a standby and read-only";
  if (readOnly === "on") return "the server is read-only";
  return path === quoted(schema)
    ? undefined
    : "the connection loses its settings; connection poolers such as PgBouncer are not supported";
};

/** A backslash escapes spaces and backslashes in the options of a connection. */
const settingsOf = (settings: Readonly<Record<string, string>>): string =>
  Object.entries(settings)
    .map(([name, value]) => `-c${name}=${value.replaceAll(/[\\ ]/g, String.raw`\$&`)}`)
    .join(" ");

const clientConfig = (options: ConnectOptions, { host, port }: DatabaseHost, tls?: DatabaseTls): pg.ClientConfig => {
  const { address, schema, application, connectTimeout, statementTimeout: limit } = options;
  return {
    host,
    port,
    database: address.database,
    user: address.user,
    // An empty text, so that `pg` does not look for a password in the environment or in a file.
    password: address.password ?? "",
    options: settingsOf({
      search_path: quoted(schema),
      default_transaction_isolation: "read committed",
      // The server notices a gateway whose machine is gone, and releases its locks.
      tcp_keepalives_idle: "5",
      tcp_keepalives_interval: "1",
      tcp_keepalives_count: "5",
    }),
    application_name: application,
    connectionTimeoutMillis: connectTimeout,
    statement_timeout: limit,
    ...(limit > 0 && {
      lock_timeout: limit,
      idle_in_transaction_session_timeout: limit,
      query_timeout: limit + SERVER_FIRST_MS,
    }),
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
