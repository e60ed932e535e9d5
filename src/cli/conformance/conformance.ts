/** `ocsgw conformance URL`: replays the manual's examples and all actions against an OCS or a gateway. */
import { readFile } from "node:fs/promises";
import { certificatesPem } from "../../common/x509/pem.ts";
import { connect } from "./connection.ts";
import { createControl, type Control } from "./control.ts";
import { rows } from "./rows.ts";
import { run, Unauthorized, Unreachable, type Client } from "./run.ts";
import { asJson, asTable, isConformant } from "./table.ts";
import { faultInWords, reason } from "../../common/system-error.ts";
import { DENIED, DONE, UNREACHABLE, WRONG_USAGE } from "../exit-codes.ts";

export type ConformanceOptions = {
  /** Path of a PEM file with the CA of an HTTPS server. */
  readonly ca?: string;
  /** CLIENT:KEY of a gateway's clients, in the order in which they are tried. */
  readonly key?: readonly string[];
  /** Control URL of the sandbox behind the server; it is reset first, and opens handles as needed. */
  readonly sandbox?: string;
  readonly json?: boolean;
  /** Allows a server on another host, whose records and campaign groups will change. */
  readonly yes?: boolean;
  /** Prints results; to standard output by default. */
  readonly print?: (text: string) => void;
  /** Prints everything else; to standard error by default. */
  readonly complain?: (text: string) => void;
};

class WrongUsage extends Error {}

const EXITS = [
  [WrongUsage, WRONG_USAGE],
  [Unauthorized, WRONG_USAGE],
  [Unreachable, UNREACHABLE],
] as const;

/** Resolves to the exit code: 0 conformant, 9 not conformant, 5 unreachable, 2 wrong usage. */
export const conformance = async (url: string, options: ConformanceOptions): Promise<number> => {
  const {
    print = (text) => process.stdout.write(`${text}\n`),
    complain = (text) => process.stderr.write(`${text}\n`),
  } = options;
  try {
    const results = await examine(url, options);
    print(options.json ? asJson(url, results) : asTable(results));
    return isConformant(results) ? DONE : DENIED;
  } catch (error) {
    const exit = EXITS.find(([kind]) => error instanceof kind)?.[1];
    if (exit === undefined) throw error;
    complain(`conformance: ${(error as Error).message}`);
    return exit;
  }
};

const examine = async (text: string, options: ConformanceOptions): Promise<Awaited<ReturnType<typeof run>>> => {
  const url = readUrl(text, options.yes ?? false);
  const clients = (options.key ?? []).map(readKey);
  const ca = options.ca === undefined ? undefined : await readCa(options.ca);
  const control = options.sandbox === undefined ? undefined : readControl(options.sandbox);
  await control?.reset().catch(unreachable(options.sandbox!));
  const connection = connect(url, ca);
  try {
    return await run({ connection, origin: url.origin, clients, openHandle: control?.openHandle }, rows());
  } finally {
    connection.close();
  }
};

const readUrl = (text: string, yes: boolean): URL => {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) throw new WrongUsage("expected a URL such as http://127.0.0.1:18080");
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "" || url.username !== "")
    throw new WrongUsage("expected only scheme, host and port: OCS's paths are at the root");
  if (!yes && !isLoopback(url.hostname))
    throw new WrongUsage(
      `${url.hostname} is another host, and the test changes its records and campaign groups: add --yes to confirm`,
    );
  return url;
};

const isLoopback = (hostname: string): boolean =>
  hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname);

const readKey = (text: string, index: number): Client => {
  const name = /^([^:]+):.+$/.exec(text)?.[1];
  if (name === undefined) throw new WrongUsage(`--key number ${index + 1}: expected CLIENT:KEY`);
  return { name, authorization: `Basic ${Buffer.from(text).toString("base64")}` };
};

const readCa = async (path: string): Promise<string> => {
  const text = await readFile(path, "utf8").catch(() => {
    throw new WrongUsage(`--ca: cannot read ${path}`);
  });
  try {
    return certificatesPem(text);
  } catch (error) {
    throw new WrongUsage(`--ca: ${path}: ${reason(error)}`);
  }
};

const readControl = (text: string): Control => {
  if (!/^https?:$/.test(URL.parse(text)?.protocol ?? ""))
    throw new WrongUsage("--sandbox: expected a URL such as http://127.0.0.1:18090/sandbox");
  return createControl(text);
};

const unreachable =
  (what: string) =>
  (error: unknown): never => {
    throw new Unreachable(`no answer from ${what}: ${faultInWords(error)}`);
  };
