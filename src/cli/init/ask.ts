/** Asks on a terminal what the options of `ocsgw init` leave open, and repeats a question whose answer is malformed. */
import { createInterface } from "node:readline";
import { FAILED, WRONG_USAGE } from "../exit-codes.ts";
import { Stop } from "../list-file.ts";
import {
  BadAnswer,
  callbacksBind,
  DEFAULTS,
  defaultTls,
  distinct,
  isPlainOverNetwork,
  networksOf,
  parse,
  type Answers,
  type InitTenant,
} from "./answers.ts";
import { answersFrom, type InitOptions } from "./options.ts";

export type Terminal = {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
};

type Question<Value> = {
  readonly text: string;
  /** Taken for an empty answer; without one, an answer is needed. */
  readonly fallback?: string | undefined;
  readonly read: (answer: string) => Value;
};

type Ask = <Value>(question: Question<Value>) => Promise<Value>;

/** Rejects with Stop when the user interrupts, or declines at the end. */
export const askAnswers = async (options: InitOptions, terminal: Terminal): Promise<Answers> => {
  const lines = new Lines(terminal);
  try {
    const ask: Ask = (question) => repeat(question, lines);
    const answers = answersFrom(await complete(options, ask));
    const go = await ask({
      text: `Write ${answers.dir}/ocsgw.yaml, its keys and secrets?`,
      fallback: "yes",
      read: yesNo,
    });
    if (!go) throw new Stop(FAILED, "nothing was written");
    return answers;
  } finally {
    lines.close();
  }
};

const optional = (text: string): string | undefined => (text === "none" ? undefined : text);

/** The options, with an answer for each one that is missing and needed. */
const complete = async (given: InitOptions, ask: Ask): Promise<InitOptions> => {
  const dir =
    given.dir ?? (await ask({ text: "Directory of the config", fallback: DEFAULTS.dir, read: (text) => text }));
  const upstream =
    given.upstream ??
    (await ask({ text: "Address of OCS, for example https://ocs1.example.internal:8443", read: parse.ocs }));
  const backup =
    given.backup ??
    (given.upstream === undefined
      ? await ask({
          text: "Address of the backup OCS, or none",
          fallback: "none",
          read: (text) => (optional(text) === undefined ? undefined : parse.ocs(text)),
        })
      : undefined);
  const ocs = [upstream, ...(backup === undefined ? [] : [backup])];
  const bind = given.bind ?? (await ask({ text: "Address for clients", fallback: DEFAULTS.bind, read: parse.bind }));
  const tenant = given.tenant ?? (await askTenants(ask));
  const client = given.client ?? (await askClients(ask, tenant.map(parse.tenant)));
  return defined({
    ...given,
    dir,
    upstream,
    backup,
    bind,
    tenant,
    client,
    allowPlaintext: given.allowPlaintext ?? (await askPlaintext(ask, ocs)),
    upstreamCa: given.upstreamCa ?? (await askUpstreamCa(ask, ocs)),
    ...(await askTls(ask, given, bind)),
    ...(await askRecords(ask, given, { bind, ocs })),
  });
};

const defined = (options: Readonly<Record<string, unknown>>): InitOptions =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

const askTenants = async (ask: Ask): Promise<readonly string[]> => {
  const found: InitTenant[] = [];
  for (;;) {
    const isFirst = found.length === 0;
    const next = await ask({
      text: isFirst ? 'Tenant as NAME:DBID, for example "Alpha Tenant:101"' : "A further tenant, or none",
      fallback: isFirst ? undefined : "none",
      read: (text) => (!isFirst && text === "none" ? undefined : distinct([...found, parse.tenant(text)]).at(-1)!),
    });
    if (!next) return found.map(({ name, dbid }) => `${name}:${dbid}`);
    found.push(next);
  }
};

const askClients = async (ask: Ask, tenants: readonly InitTenant[]): Promise<readonly string[]> => {
  const found: string[] = [];
  for (;;) {
    const isFirst = found.length === 0;
    const next = await ask({
      text: isFirst
        ? "Client that may send requests, as NAME, or as NAME:TENANT for one tenant only"
        : "A further client, or none",
      fallback: isFirst ? undefined : "none",
      read: (text) => {
        if (!isFirst && text === "none") return undefined;
        parse.client(text, tenants);
        return text;
      },
    });
    if (next === undefined) return found;
    found.push(next);
  }
};

const askPlaintext = async (ask: Ask, ocs: readonly string[]): Promise<boolean | undefined> => {
  const plain = ocs.find(isPlainOverNetwork);
  if (plain === undefined) return undefined;
  const isIntended = await ask({
    text: `${plain} is http: others on the network can read names and phone numbers. Is that intended?`,
    fallback: "no",
    read: yesNo,
  });
  if (!isIntended) throw new Stop(FAILED, "nothing was written; use the https address of OCS");
  return true;
};

const askUpstreamCa = async (ask: Ask, ocs: readonly string[]): Promise<string | undefined> =>
  ocs.some((address) => address.startsWith("https:"))
    ? ask({
        text: "PEM file with the CA of OCS's certificate, or none for public CAs",
        fallback: "none",
        read: optional,
      })
    : undefined;

const TLS = ["files", "development", "none"] as const;

const askTls = async (ask: Ask, given: InitOptions, bind: string): Promise<Partial<InitOptions>> => {
  const tls =
    given.tls ??
    (await ask({
      text: "TLS for clients: files (you have a certificate), development (made now, for trials) or none",
      fallback: given.cert === undefined ? (defaultTls(bind) ?? "files") : "files",
      read: (text) => oneOf(TLS, text),
    }));
  if (tls !== "files") return { tls };
  const pathOf = (what: string): Promise<string> => ask({ text: `PEM file with the ${what}`, read: (text) => text });
  return {
    tls,
    cert: given.cert ?? (await pathOf("certificate chain")),
    key: given.key ?? (await pathOf("private key of the certificate")),
  };
};

const RECORDS = ["pre-dial", "dedicated", "unscoped"] as const;

const askRecords = async (
  ask: Ask,
  given: InitOptions,
  { bind, ocs }: { readonly bind: string; readonly ocs: readonly string[] },
): Promise<Partial<InitOptions>> => {
  const records =
    given.records ??
    (await ask({
      text:
        "How the gateway knows the tenant of a record: pre-dial (OCS announces each record), dedicated (this OCS " +
        "serves one tenant only) or unscoped (not at all)",
      fallback: "pre-dial",
      read: (text) => oneOf(RECORDS, text),
    }));
  if (records !== "pre-dial") return { records };
  const networks = networksOf(ocs);
  return {
    records,
    callbacks:
      given.callbacks ??
      (await ask({ text: "Address for OCS's announcements", fallback: callbacksBind(bind), read: parse.bind })),
    callbacksFrom:
      given.callbacksFrom ??
      (await ask({
        text: "Networks of the OCS hosts, separated by commas",
        fallback: networks?.join(","),
        read: (text) => text.split(",").map((each) => parse.cidr(each.trim())),
      })),
  };
};

const oneOf = <Name extends string>(names: readonly Name[], text: string): Name => {
  const found = names.find((name) => name === text);
  if (found === undefined) throw new BadAnswer(`expected ${names.join(", ")}, found ${JSON.stringify(text)}`);
  return found;
};

const yesNo = (text: string): boolean => {
  if (/^y(?:es)?$/i.test(text)) return true;
  if (/^no?$/i.test(text)) return false;
  throw new BadAnswer(`expected yes or no, found ${JSON.stringify(text)}`);
};

const repeat = async <Value>({ text, fallback, read }: Question<Value>, lines: Lines): Promise<Value> => {
  for (;;) {
    const typed = (await lines.next(`${text}${fallback === undefined ? "" : ` [${fallback}]`}: `)).trim();
    const answer = typed === "" ? fallback : typed;
    if (answer === undefined) continue;
    try {
      return read(answer);
    } catch (error) {
      if (!(error instanceof BadAnswer)) throw error;
      lines.say(error.message);
    }
  }
};

/** Lines that were typed, also before they are asked for. */
class Lines {
  readonly #readline;
  readonly #output;
  readonly #typed: string[] = [];
  #wake: (() => void) | undefined;
  #ended: string | undefined;

  constructor({ input, output }: Terminal) {
    this.#output = output;
    this.#readline = createInterface({ input, output, historySize: 0 });
    this.#readline.on("line", (line) => {
      this.#typed.push(line);
      this.#wake?.();
    });
    this.#readline.on("SIGINT", () => this.#end("interrupted; nothing was written"));
    this.#readline.on("close", () => this.#end("the answers ended; nothing was written"));
  }

  async next(prompt: string): Promise<string> {
    this.#readline.setPrompt(prompt);
    if (this.#ended === undefined) this.#readline.prompt();
    else this.say(prompt);
    while (this.#typed.length === 0) {
      if (this.#ended !== undefined) throw new Stop(WRONG_USAGE, this.#ended);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return this.#typed.shift()!;
  }

  say(text: string): void {
    this.#output.write(`${text}\n`);
  }

  close(): void {
    this.#readline.close();
  }

  #end(why: string): void {
    this.#ended ??= why;
    this.#wake?.();
  }
}
