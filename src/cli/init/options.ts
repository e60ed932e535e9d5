/** The answers of `ocsgw init --no-input`: options alone, with defaults where one is safe. */
import { WRONG_USAGE } from "../exit-codes.ts";
import { Stop } from "../list-file.ts";
import {
  BadAnswer,
  callbacksBind,
  DEFAULTS,
  defaultTls,
  distinct,
  isPlainOverNetwork,
  joined,
  networksOf,
  parse,
  type Answers,
  type InitTenant,
  type Records,
  type Tls,
} from "./answers.ts";

export type InitOptions = {
  readonly input?: boolean;
  readonly dir?: string;
  readonly upstream?: string;
  readonly backup?: string;
  readonly upstreamCa?: string;
  readonly allowPlaintext?: boolean;
  readonly bind?: string;
  readonly name?: readonly string[];
  readonly tls?: "files" | "development" | "none";
  readonly cert?: string;
  readonly key?: string;
  readonly tenant?: readonly string[];
  readonly client?: readonly string[];
  readonly records?: "pre-dial" | "dedicated" | "unscoped";
  readonly callbacks?: string;
  readonly callbacksFrom?: readonly string[];
  readonly admin?: string;
  readonly origin?: string;
  readonly replace?: readonly string[];
  readonly json?: boolean;
};

/** `option`: its name in the message. */
export const given = <Value>(option: string, read: () => Value): Value => {
  try {
    return read();
  } catch (error) {
    if (error instanceof BadAnswer) throw new Stop(WRONG_USAGE, `${option}: ${error.message}`);
    throw error;
  }
};

const missing = (option: string, why: string): Stop => new Stop(WRONG_USAGE, `${option} is needed: ${why}`);

/** Throws Stop for what is missing or malformed. */
export const answersFrom = (options: InitOptions): Answers => {
  const { upstream, backup, bind = DEFAULTS.bind } = options;
  if (upstream === undefined)
    throw missing("--upstream", "the address of OCS, for example --upstream https://ocs1.example.internal:8443");
  const primary = given("--upstream", () => parse.ocs(upstream));
  const second = backup === undefined ? undefined : given("--backup", () => parse.ocs(backup));
  const bound = given("--bind", () => parse.bind(bind));
  const tenants = tenantsFrom(options.tenant ?? []);
  const { allowPlaintext = false } = options;
  const plain = [primary, second].find((address) => address !== undefined && isPlainOverNetwork(address));
  if (plain !== undefined && !allowPlaintext)
    throw new Stop(
      WRONG_USAGE,
      `${plain} is http over the network, where others could read names and phone numbers: use the https address of ` +
        "OCS, or give --allow-plaintext if http is intended",
    );
  return {
    dir: options.dir ?? DEFAULTS.dir,
    primary,
    backup: second,
    upstreamCa: options.upstreamCa,
    allowPlaintext: allowPlaintext && plain !== undefined,
    bind: bound,
    names: (options.name ?? []).map((each) => given("--name", () => parse.host(each))),
    tls: tlsFrom(options, bound),
    tenants,
    clients: clientsFrom(options.client ?? [], tenants),
    records: recordsFrom(options, { bound, ocs: [primary, ...(second === undefined ? [] : [second])] }),
    admin: given("--admin", () => parse.bind(options.admin ?? DEFAULTS.admin)),
    origin: given("--origin", () => parse.journal(options.origin ?? DEFAULTS.journal())),
  };
};

const tenantsFrom = (texts: readonly string[]): readonly InitTenant[] => {
  if (texts.length === 0)
    throw missing("--tenant", 'each tenant as NAME:DBID, for example --tenant "Alpha Tenant:101"');
  return given("--tenant", () => distinct(texts.map(parse.tenant)));
};

const clientsFrom = (texts: readonly string[], tenants: readonly InitTenant[]): Answers["clients"] => {
  if (texts.length === 0)
    throw missing("--client", "each client as NAME, or NAME:TENANT for a client of one tenant, for example ors-main");
  return joined(texts.map((text) => given("--client", () => parse.client(text, tenants))));
};

const tlsFrom = ({ tls, cert, key }: InitOptions, bound: string): Tls => {
  const kind = tls ?? (cert !== undefined || key !== undefined ? "files" : defaultTls(bound));
  if (kind === undefined)
    throw missing(
      "--tls",
      `${bound} is reached over the network: files (with --cert and --key), development (made now, for trials) ` +
        "or none",
    );
  if (kind !== "files") {
    if (cert !== undefined || key !== undefined)
      throw new Stop(WRONG_USAGE, `--cert and --key belong to --tls files, and --tls is ${kind}`);
    return { kind };
  }
  if (cert === undefined || key === undefined)
    throw missing(cert === undefined ? "--cert" : "--key", "with --tls files: PEM files with the chain and its key");
  return { kind, cert, key };
};

const recordsFrom = (
  { records = "pre-dial", callbacks, callbacksFrom }: InitOptions,
  { bound, ocs }: { readonly bound: string; readonly ocs: readonly string[] },
): Records => {
  if (records !== "pre-dial") {
    if (callbacks !== undefined || callbacksFrom !== undefined)
      throw new Stop(WRONG_USAGE, `--callbacks and --callbacks-from belong to --records pre-dial, not ${records}`);
    return { kind: records };
  }
  const from = callbacksFrom?.map((each) => given("--callbacks-from", () => parse.cidr(each))) ?? networksOf(ocs);
  if (from === undefined)
    throw missing(
      "--callbacks-from",
      "the addresses of the OCS hosts, which announce each record before they dial it; or give --records dedicated " +
        "if this OCS serves one tenant only, or --records unscoped if nothing has to separate the tenants' records",
    );
  const at = given("--callbacks", () => parse.bind(callbacks ?? callbacksBind(bound)));
  return { kind: "pre-dial", bind: at, from };
};
