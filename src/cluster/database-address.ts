/**
 * The address of the shared database: `postgresql://user:password@host:port/database`, with one host, or the hosts of a
 * server and its standbys: `db1:5432,db2:5432`. Parameters (`?sslmode=…`) are rejected: what they set has keys of its
 * own in the config.
 */

export type DatabaseHost = { readonly host: string; readonly port: number };

export type DatabaseAddress = {
  /** In the order to try. */
  readonly hosts: readonly DatabaseHost[];
  readonly database: string;
  readonly user: string;
  readonly password: string | undefined;
};

const FORM = "postgresql://user@host:5432/database";
const DEFAULT_PORT = 5432;
const HIGHEST_PORT = 65_535;
const SCHEME = /^postgres(?:ql)?:\/\//;
const HOST = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9])?))(?::(\d{1,5}))?$/;

/** What to set instead of a parameter of the address. */
const INSTEAD: readonly (readonly [names: RegExp, instead: string])[] = [
  [/^ssl/, "set shared.tls"],
  [/^(?:options|search_path|currentschema)$/, "set shared.schema"],
  [/^(?:statement_timeout|query_timeout|connect_timeout)$/, "set shared.statement_timeout"],
  [/^(?:user|password|dbname|host|port|hostaddr)$/, "write it before the ?"],
  [/^(?:target_session_attrs|load_balance_hosts)$/, "the gateway always uses the server that accepts writes"],
];

/** The parts, or a sentence that says what the address lacks. The sentence quotes neither user nor password. */
export const parseDatabaseAddress = (text: string): DatabaseAddress | { readonly fault: string } => {
  const [scheme] = SCHEME.exec(text) ?? [];
  if (scheme === undefined) return { fault: `an address as ${FORM}` };
  const rest = text.slice(scheme.length);
  // A password from a file may contain / and @; hosts and the database do not.
  const at = rest.lastIndexOf("@");
  if (at <= 0) return { fault: `a user before the host, as in ${FORM}` };
  const [credentials, place] = [rest.slice(0, at), rest.slice(at + 1)];
  const colon = credentials.indexOf(":");
  const user = decoded(colon < 0 ? credentials : credentials.slice(0, colon));
  const password = colon < 0 ? undefined : decoded(credentials.slice(colon + 1));
  if (user === null || password === null)
    return { fault: "%25 for each % of user and password, or the password in shared.password" };
  if (user === "") return { fault: `a user before the host, as in ${FORM}` };
  return placed(place, { user, password: password === "" ? undefined : password });
};

const placed = (
  place: string,
  credentials: Pick<DatabaseAddress, "user" | "password">,
): ReturnType<typeof parseDatabaseAddress> => {
  const question = place.indexOf("?");
  if (question >= 0) return { fault: withoutParameter(place.slice(question + 1)) };
  const [authority = "", name, ...more] = place.split("/");
  const database = name === undefined ? "" : decoded(name);
  if (database === "" || database === null || more.length > 0)
    return { fault: `the name of one database after the host, as in ${FORM}` };
  const hosts = authority.split(",").map(hostIn);
  if (!hosts.every((each) => each !== undefined))
    return {
      fault: `a host name or IP address with a port up to ${HIGHEST_PORT}, as in db1:5432 or db1:5432,db2:5432`,
    };
  return { hosts, database, ...credentials };
};

const hostIn = (text: string): DatabaseHost | undefined => {
  const [, bracketed, named, digits] = HOST.exec(text) ?? [];
  const host = bracketed ?? named;
  const port = digits === undefined ? DEFAULT_PORT : Number(digits);
  return host === undefined || port < 1 || port > HIGHEST_PORT ? undefined : { host, port };
};

const withoutParameter = (query: string): string => {
  const name = query.split("=", 1)[0]!.toLowerCase();
  if (!/^[a-z_]{1,40}$/.test(name)) return "an address without ? and parameters";
  const instead = INSTEAD.find(([names]) => names.test(name))?.[1];
  return `an address without the parameter ${name}${instead === undefined ? "" : `: ${instead}`}`;
};

/** Null for a malformed escape. */
const decoded = (text: string): string | null => {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
};

/** `db1:5432` */
export const hostInWords = ({ host, port }: DatabaseHost): string =>
  `${host.includes(":") ? `[${host}]` : host}:${port}`;

/** For messages: `database calls at db1:5432 as user gw`, never the password. */
export const addressInWords = ({ hosts, database, user }: DatabaseAddress): string =>
  `database ${database} at ${hosts.map(hostInWords).join(" or ")} as user ${user}`;
