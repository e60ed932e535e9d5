/** `ocsgw conformance URL`: replays the manual's examples and every row of the action table against a server, an OCS or a gateway in front of one. */
import { readFile } from "node:fs/promises";
import { certificatesPem } from "../x509/pem.ts";
import { connect } from "./conformance/connection.ts";
import { createControl, type Control } from "./conformance/control.ts";
import { rows } from "./conformance/rows.ts";
import { run, Unauthorized, Unreachable, type Client } from "./conformance/run.ts";
import { asJson, asTable, isConformant } from "./conformance/table.ts";
import { faultInWords, reason } from "../system-error.ts";

export type ConformanceOptions = {
  /** Path of a PEM file with the CA of an HTTPS server. */
  readonly ca?: string;
  /** CLIENT:KEY of a gateway's clients, in the order in which they are tried. */
  readonly key?: readonly string[];
  /** Control URL of the sandbox behind the server: its world is reset first, and handles are opened as needed. */
  readonly sandbox?: string;
  readonly json?: boolean;
  /** Run against a host other than this one, although records and campaign groups change. */
  readonly yes?: boolean;
  /** Where results go, a text at a time; standard output by default. */
  readonly print?: (text: string) => void;
  /** Where all else goes; standard error by default. */
  readonly complain?: (text: string) => void;
};

const EXIT = { conformant: 0, usage: 2, unreachable: 5, notConformant: 9 } as const;

class WrongUsage extends Error {}

const EXITS = [
  [WrongUsage, EXIT.usage],
  [Unauthorized, EXIT.usage],
  [Unreachable, EXIT.unreachable],
] as const;

/** Gives the exit code: 0 conformant, 9 not, 5 cannot reach, 2 wrong usage. */
export const conformance = async (url: string, options: ConformanceOptions): Promise<number> => {
  const {
    print = (text) => process.stdout.write(`${text}\n`),
    complain = (text) => process.stderr.write(`${text}\n`),
  } = options;
  try {
    const results = await examine(url, options);
    print(options.json ? asJson(url, results) : asTable(results));
    return isConformant(results) ? EXIT.conformant : EXIT.notConformant;
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
    throw new WrongUsage("expected scheme, host and port alone: OCS's paths stand at the root");
  if (!yes && !isLoopback(url.hostname))
    throw new WrongUsage(
      `${url.hostname} is another host, and the rows change its records and campaign groups: say --yes if that is meant`,
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
