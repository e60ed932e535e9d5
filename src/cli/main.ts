#!/usr/bin/env node
/** `ocsgw`: one row per command. A command's file is loaded when the command is given, and answers with the exit code. */
import type { Command as Given } from "commander";
import { keepCompiled } from "./compile-cache.ts";
import { heedSignals } from "./early-signals.ts";
import { endThoughUnread, sayWhenCutShort } from "./output.ts";
import { faultInWords } from "../system-error.ts";

// Before anything else is loaded.
heedSignals();
keepCompiled();

const CONFIG = ["-c, --config <file>", "the config file", "config/ocsgw.yaml"] as const;

// It runs every few seconds, and to load what reads and describes all other commands takes longer than the probe.
if (process.argv[2] === "healthcheck") {
  const { probe } = await import("./healthcheck.ts");
  const code = await probe(process.argv.slice(3), CONFIG[2]);
  if (code !== undefined) process.exit(code);
}

const { Command, CommanderError, Option } = await import("commander");
const { default: manifest } = await import("../../package.json", { with: { type: "json" } });

/** 0 done, 1 failed, 2 wrong usage, 3 config not valid, 5 cannot reach, 7 integrity broken, 8 cannot tell, 9 denied or not conformant. */
type Exit = Promise<number>;

const CONTROL = ["--url <control>", "the sandbox's control address", "http://127.0.0.1:18090/sandbox"] as const;
const JSON_OUT = ["--json", "print JSON"] as const;

const adminToken = () =>
  new Option(
    "--token <token>",
    "the admin API's; when left out, what run keeps while it runs in admin.token, in the config's audit.dir",
  ).env("OCSGW_ADMIN_TOKEN");

const several = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

const refuseOldNode = (): void => {
  const [major = 0, minor = 0, patch = 0] = process.versions.node.split(".").map(Number);
  const fits =
    major === 24
      ? minor > 18 || (minor === 18 && patch >= 1)
      : major === 26
        ? minor > 5 || (minor === 5 && patch >= 1)
        : major > 26;
  if (fits) return;
  console.error(
    `ocsgw needs Node 24.18.1 or later (24 LTS) and this is ${process.versions.node}. From a checkout, npm start and npm run ocsgw bring their own.`,
  );
  process.exit(1);
};

const program = (): Given => {
  const ocsgw = new Command("ocsgw")
    .description("API gateway in front of Genesys Outbound Contact Server (OCS)")
    .version(manifest.version)
    .exitOverride()
    .showHelpAfterError("(ocsgw --help lists what there is)");

  ocsgw
    .command("run")
    .description(
      "the gateway; SIGTERM lets requests end and stops; SIGHUP reads the config again; config.watch says which changes of files come into force by themselves",
    )
    .option(...CONFIG)
    .option(
      "--standby",
      "waits while another gateway has the journal open, and takes over when that one stops or dies; until then it listens on admin.probes only",
    )
    .action(done(async (options) => (await import("./serve.ts")).serve(options)));

  ocsgw
    .command("reload")
    .description(
      "a running gateway reads config, tenants.d, keys and certificates again; prints what came into force and when, or why nothing did; exit code 3 refused, 5 no answer",
    )
    .option(...CONFIG)
    .option("--dry-run", "says what would change, or why it would be refused, and changes nothing")
    .option("--url <url>", "the admin listener, when not that of the config", address)
    .addOption(adminToken())
    .option(...JSON_OUT)
    .action(done(async (options) => (await import("./reload.ts")).reload(options)));

  const sandbox = ocsgw
    .command("sandbox")
    .description("gateway and embedded OCS in one process, on loopback")
    .option("--port <n>", "the gateway's port; 0 for free ones everywhere", port)
    .option("--ready-file <file>", "written as JSON when everything listens")
    .option(
      "--state <dir>",
      "where keys, journal and OCS's tables are kept; a new folder for temporary files when left out, which goes when the sandbox ends",
    )
    .option("--ocs-only", "the embedded OCS without a gateway")
    .option("--seed <n>", "another seed makes other records", whole)
    .option("--dial-rate <n>", "records that OCS dials per second, fractions too, 0 is off; 0.1 when left out", rate)
    .option(
      "--validation-uri <url>",
      "where OCS announces each record before it dials it; the gateway's callbacks listener when left out",
      address,
    )
    .option(
      "--advertise <url>",
      "what GSW_RECORD_URI begins with; the gateway when left out, with --ocs-only the OCS itself",
      origin,
    )
    .option("--webhook <url>", "every event is posted there", address)
    .action(done(async (options) => (await import("./sandbox.ts")).sandbox(options)));
  sandbox
    .command("fidelity")
    .description("what of the embedded OCS is the manual's word, and what is assumed")
    .action(done(async () => (await import("./sandbox.ts")).fidelity()));

  sandbox
    .command("dial")
    .description("OCS dials records of a running campaign group now; what a client would get is printed")
    .option("--list <name>", "only of this calling list")
    .option("--count <n>", "so many; 1 when left out, with --rate until interrupted", whole)
    .option("--rate <n/s>", "so many per second, as in 2/s")
    .option("--to <url>", "the events are posted there too")
    .option(...CONTROL)
    .option(...JSON_OUT)
    .action(done(async (options) => (await import("./sandbox-dial.ts")).dial(options)));
  sandbox
    .command("events")
    .description("what OCS dials, as it happens")
    .option("--tenant <name>", "only this tenant's; a name or a DBID")
    .option("--since <id>", "begin with what came after that event")
    .option(...CONTROL)
    .option(...JSON_OUT)
    .action(done(async (options) => (await import("./sandbox-events.ts")).followEvents(options)));

  const fault = sandbox.command("fault").description("what goes wrong at the embedded OCS");
  fault
    .command("add")
    .description(
      "from now on; switchover, both-down and close-idle at once unless action, tenant, count or probability say at which requests",
    )
    .argument("<kind>")
    .argument("[value]", "as in slow 2s, status 500, truncate 20B")
    .option("--action <name>", "only this req value, or ReadStatus")
    .option("--tenant <name>", "only this tenant's requests; a name or a DBID")
    .option("--count <n>", "so many times")
    .option("--probability <p>", "from 0 to 1")
    .option("--seed <n>", "of the probability; 1 when left out")
    .option("--for <duration>", "as in 30s")
    .option(...CONTROL)
    .option(...JSON_OUT)
    .action(
      done(async (options, kind, value) =>
        (await import("./sandbox-faults.ts")).faultAdd({ ...options, kind: kind!, value }),
      ),
    );
  fault
    .command("list")
    .description("the faults that stand, and how often each struck")
    .option(...CONTROL)
    .option(...JSON_OUT)
    .action(done(async (options) => (await import("./sandbox-faults.ts")).faultList(options)));
  fault
    .command("clear")
    .description("takes one fault away, or all")
    .argument("[id]", "as in f1")
    .option(...CONTROL)
    .action(done(async (options, id) => (await import("./sandbox-faults.ts")).faultClear({ ...options, id })));
  fault
    .command("kinds")
    .description("every kind with what a client sees of it")
    .action(done(async () => (await import("./sandbox-faults.ts")).faultKinds()));
  sandbox
    .command("switchover")
    .description("the backup becomes primary, and the other way round")
    .option("--gap <duration>", "for so long nobody answers, as in 2s")
    .option(...CONTROL)
    .action(done(async (options) => (await import("./sandbox-faults.ts")).switchover(options)));

  ocsgw
    .command("check")
    .description("every problem of a config file at once")
    .option(...CONFIG)
    .option(...JSON_OUT)
    .option(
      "--connect",
      "tries what the file names: addresses, disk, issuers, OCS, clock; exit code 5 when something cannot be reached",
    )
    .option(
      "--record-uri <uri>",
      "with --connect: a GSW_RECORD_URI as strategies get it; does it lead here, or around?",
    )
    .option("--all", "also more than 20 problems")
    .option("--explain", "every setting with its default")
    .action(
      done(async (options) => {
        if (options.recordUri !== undefined && !options.connect)
          throw new CommanderError(2, "usage", "--record-uri wants --connect too: it is tried over the network");
        const { check, explainSettings } = await import("./check.ts");
        return options.explain ? explainSettings() : check(options);
      }),
    );

  ocsgw
    .command("can")
    .description("the policy's answer and the rule with its line, without sending anything")
    .argument("<client>")
    .argument("<action>", "a req value, or ReadStatus")
    .argument("<target>", "as in /phones/4155550100")
    .option("--body <json>", "the request's body", "")
    .option("--tenant <name>", "what the header Ocsgw-Tenant says; a name or a DBID")
    .option("--owner <name>", "of a record: the tenant whose handle it is; the one that asks when left out")
    .option(...CONFIG)
    .option(...JSON_OUT)
    .action(
      done(async (options, client, action, target) =>
        (await import("./can.ts")).can({ ...options, client: client!, action: action!, target: target! }),
      ),
    );

  ocsgw
    .command("simulate")
    .description("asks the journal's requests of another config: which decisions would change?")
    .option(...CONFIG)
    .option("--since <duration>", "how far back, as in 7d", "7d")
    .option("--journal <dir>", "the journal's directory, when it is not that of the config")
    .option(...JSON_OUT)
    .action(done(async (options) => (await import("./simulate.ts")).simulateCommand(options)));

  const keys = ocsgw.command("keys").description("API keys of clients; the file holds hashes only");
  keys
    .command("create")
    .description("prints a new key once")
    .requiredOption("--client <name>")
    .option("--expires <duration>", "as in 90d")
    .addOption(
      new Option("--tenant <name>", "the only tenant for which the key counts; may stand several times").argParser(
        several,
      ),
    )
    .option(...CONFIG)
    .action(done(async (options) => (await import("./keys.ts")).keysCreate(options)));
  keys
    .command("list")
    .option(...CONFIG)
    .option(...JSON_OUT)
    .action(done(async (options) => (await import("./keys.ts")).keysList(options)));
  keys
    .command("revoke")
    .description(
      "ends a key, by its id or as a whole, in its file, at the running gateway and in the journal; exit code 5 when the gateway was not reached",
    )
    .argument("<id>")
    .option(...CONFIG)
    .action(done(async (options, id) => (await import("./keys.ts")).keysRevoke({ ...options, id: id! })));

  ocsgw
    .command("revoke")
    .description(
      "reject a token, key, certificate or client from now on, also after restarts; goes to the running gateway, or into the journal while none runs",
    )
    .option(...CONFIG)
    .option("--token <jti>", "a token, by its jti; for 30 days, which no token outlives")
    .option("--key <id>", "an API key, by its id")
    .option(
      "--certificate <x5t>",
      "a client certificate, by its SHA-256 in base64url, or in hexadecimal as openssl prints it",
    )
    .option("--client <name>", "a client, however it comes")
    .option(
      "--until <when>",
      "a time, UTC unless it has an offset as in +02:00, or a duration from now as in 2h; for ever when left out",
    )
    .option("--lift", "it counts again")
    .option("--list", "what is revoked")
    .option("--url <url>", "the admin listener, when not that of the config", address)
    .addOption(
      new Option(
        "--admin-token <token>",
        "the admin API's; when left out, what run keeps while it runs in admin.token, in the config's audit.dir",
      ).env("OCSGW_ADMIN_TOKEN"),
    )
    .option(...JSON_OUT)
    .action(done(async (options) => (await import("./revoke.ts")).revoke(options)));

  ocsgw
    .command("explain")
    .description("one request: who, what, each stage's word, the waits, its entries, and the config line that decided")
    .argument("<id>", "Ocsgw-Request-Id, or its beginning")
    .option(...CONFIG)
    .option(...JSON_OUT)
    .action(done(async (options, id) => (await import("./explain.ts")).explain({ ...options, id: id! })));

  const audit = ocsgw.command("audit").description("the journal");
  audit
    .command("search")
    .description(
      "requests and events by filter, youngest first; ocsgw audit filters lists the keys; -key:value must not hold",
    )
    .argument("[filter...]", "as in 'tenant:\"Alpha Tenant\" status:>=400'")
    .option("--since <time>", "as in 1h, 7d, 2026-11-22, 2026-11-22T14:00+02:00")
    .option("--until <time>")
    .option("--limit <n>", "of one page; 50 when left out", whole)
    .option("--cursor <next>", "where the page before it ended")
    .option("--phone-stdin", "a phone number's requests: one line from standard input")
    .option("--customer-stdin", "a customer id's requests: one line from standard input")
    .option(
      "--purpose <text>",
      "why; written to the journal when a person is looked for; asked for on a terminal when left out",
    )
    .option(
      "--timeout <duration>",
      "how long the search may take, as in 30s; 1m when left out; exit code 8 when it takes longer",
    )
    .option(...CONFIG)
    .option(...JSON_OUT)
    .action(
      done(async (options, ...words) =>
        (await import("./audit/search.ts")).auditSearch({ ...options, words: words.flat() }),
      ),
    );
  audit
    .command("export")
    .description("a whole query into a file; a bundle has the program in it that checks it, with the gateway's key")
    .argument("[filter...]")
    .requiredOption(
      "--out <file>",
      "is made; - for standard output; of a bundle a directory, or a zip when it ends with .zip",
    )
    .addOption(new Option("--as <format>").choices(["ndjson", "csv", "bundle"]).makeOptionMandatory())
    .option("--since <time>")
    .option("--until <time>")
    .option("--phone-stdin", "of a phone number: one line from standard input")
    .option("--customer-stdin", "of a customer id: one line from standard input")
    .option("--purpose <text>", "why; written to the journal; asked for on a terminal when left out")
    .option(...CONFIG)
    .option(...JSON_OUT)
    .action(
      done(async (options, ...words) =>
        (await import("./audit/export.ts")).auditExport({ ...options, words: words.flat() }),
      ),
    );
  audit
    .command("case")
    .description(
      "one person's case: number, customer id and record handles joined, in sentences, as a bundle; exit code 8 when the journal cannot cover all of it",
    )
    .option("--phone-stdin", "of a phone number: one line from standard input")
    .option("--customer-stdin", "of a customer id: one line from standard input")
    .option("--tenant <name>", "only this tenant's; a name or a DBID")
    .requiredOption("--out <file>", "is made; a directory, or a zip when it ends with .zip")
    .option("--purpose <text>", "why; stands in the journal")
    .option(...CONFIG)
    .option(...JSON_OUT)
    .action(done(async (options) => (await import("./audit/case.ts")).auditCase(options)));
  audit
    .command("dnc")
    .description("open Do-Not-Calls: asked for, and OCS has not answered 200 since for that number, tenant and scope")
    .option(...CONFIG)
    .option(...JSON_OUT)
    .option(
      "--handled <id>",
      "note that the Do-Not-Call whose last try has this request id was handled by other means; it stays listed, counted apart",
    )
    .option("--note <text>", "with --handled: how, without any number")
    .action(done(async (options) => (await import("./audit/dnc.ts")).auditDnc(options)));
  audit
    .command("retention")
    .description("whether a running gateway deletes what is old enough, and why not")
    .option(...CONFIG)
    .option(...JSON_OUT)
    .option(
      "--confirm-clock",
      "the clock of this machine is right: after it went forward by a day or more, or was off for so long, nothing is deleted until somebody says so",
    )
    .action(done(async (options) => (await import("./audit/retention.ts")).auditRetention(options)));
  audit
    .command("filters")
    .description("the filter language: every key, and how terms are put together")
    .action(done(async () => (await import("./audit/filters.ts")).auditFilters()));
  audit
    .command("verify")
    .description("recompute everything, offline")
    .argument("[path]", "a journal's directory, one segment of it, or a bundle; the config's journal when left out")
    .option(
      "--key <pub>",
      "the verifier key of the checkpoints, or a file with it; needed with a path, because a key that lies beside what it signed proves nothing",
    )
    .addOption(
      new Option(
        "--witness <key>",
        "the verifier key of an outside witness, or a file with some; may stand several times; the config's when path is left out",
      ).argParser(several),
    )
    .option(
      "--require-witnesses",
      "exit code 8 when fewer witnesses than the quorum cosigned one of the last checkpoints",
    )
    .option("--quorum <n>", "so many witnesses; the config's, or 1, when left out", whole)
    .option(
      "--timestamp-ca <file>",
      "certificates of the time stamping authority, PEM; the config's when path is left out",
    )
    .addOption(
      new Option(
        "--kept <file>",
        "a signed checkpoint that was kept elsewhere, as the one in a witness's state: the lines are held against it; may stand several times",
      ).argParser(several),
    )
    .option(
      "--since-mark",
      "only what is behind the running gateway's mark, which says up to where it verified all itself; a journal's directory",
    )
    .option(...CONFIG)
    .option(...JSON_OUT)
    .action(done(async (options, path) => (await import("./verify.ts")).verify({ ...options, path })));

  audit
    .command("set-aside")
    .description(
      "a segment of the journal that is damaged is moved away, and an entry says what, why and by whom; nothing is deleted, and no answer about its time is complete from then on",
    )
    .argument(
      "<segment...>",
      "the name of its file, or the index of its first entry, as audit verify tells it; several where several are damaged",
    )
    .option("--purpose <text>", "why; stands in the journal; asked for on a terminal when left out")
    .option("--yes", "do not ask")
    .option(...CONFIG)
    .option(...JSON_OUT)
    .action(
      done(async (options, segments) =>
        (await import("./audit/set-aside.ts")).auditSetAside({
          ...options,
          segments: segments as unknown as readonly string[],
        }),
      ),
    );
  audit
    .command("accept-restore")
    .description(
      "the journal was restored from a copy or moved on purpose, and the gateway is stopped: an entry says so, and it is signed from there on",
    )
    .option("--purpose <text>", "why; stands in the journal")
    .option(...CONFIG)
    .option(...JSON_OUT)
    .action(done(async (options) => (await import("./audit/accept-restore.ts")).auditAcceptRestore(options)));

  ocsgw
    .command("witness")
    .description(
      "cosigns checkpoints of journals (C2SP tlog-witness), for an auditor's own machine; refuses one that does not continue what it cosigned before. Plain HTTP: TLS is a reverse proxy's job",
    )
    .requiredOption("--key <file>", "its Ed25519 private key, PEM; made when there is no such file")
    .requiredOption("--state <dir>", "where it keeps what it cosigned last; one process at a time")
    .requiredOption(
      "--bind <address>",
      "address and port to listen on, as in 127.0.0.1:7654; port 0 takes a free one",
      bindAddress,
    )
    .option(
      "--name <name>",
      "its name in cosignatures, as in witness.example.com/audit; witness.<host> at the first start when left out, and then kept",
    )
    .addOption(
      new Option(
        "--log <key>",
        "verifier key of a journal that it cosigns for (a line of the journal's checkpoint.pub), or a file with some; may stand several times. Keys also stand in logs.txt in --state",
      ).argParser(several),
    )
    .action(done(async (options) => (await import("./witness.ts")).witness(options)));

  ocsgw
    .command("conformance")
    .description("replay the manual's examples and the action table against a server")
    .argument("<url>")
    .option("--ca <file>", "the CA of the server's certificate, PEM")
    .addOption(new Option("--key <client:key>", "a client of a gateway; may stand several times").argParser(several))
    .option("--sandbox <url>", "the control address of a sandbox: its world is reset first")
    .option("--yes", "the server is not on loopback and its state may change")
    .option(...JSON_OUT)
    .action(done(async (options, url) => (await import("./conformance.ts")).conformance(url!, options)));

  ocsgw
    .command("status")
    .description(
      "lanes, queues, roles and the journal of a running gateway; exit code 0 ready, 1 not ready, 3 config not valid or not that gateway's, 5 no answer",
    )
    .option(...CONFIG)
    .option("--url <url>", "the admin listener, when not that of the config", address)
    .addOption(adminToken())
    .option(...JSON_OUT)
    .action(done(async (options) => (await import("./status.ts")).status(options)));

  ocsgw
    .command("healthcheck")
    .description("exit code 0 when the gateway is ready, for containers")
    .option(...CONFIG)
    .option("--url <url>", "the admin listener, when not that of the config", address)
    .option("--live", "alive is enough")
    .action(done(async (options) => (await import("./healthcheck.ts")).healthcheck(options)));

  return ocsgw;
};

// commander gives parsed options without a type; what a command takes stands in its own signature.
type Action = (options: any, ...given: (string | undefined)[]) => Exit;

/** commander hands over the arguments, then the options, then the command; an option that a parent has too, as --seed of sandbox, is read there. */
const done =
  (action: Action) =>
  async (...given: unknown[]): Promise<void> => {
    const command = given.at(-1) as Given;
    const options = Object.entries(command.optsWithGlobals()).map(([name, value]) => [name, asTyped(value)]);
    process.exitCode = await action(
      Object.fromEntries(options),
      ...(given.slice(0, -2).map(asTyped) as (string | undefined)[]),
    );
  };

/** In front of a word that commander must not read as an option; nobody can type it. */
const MARK = "\0";

/** What of a filter must not hold: a key's values, what is in parentheses, and what stands alone: a request id, a code, an address. */
const NEGATED = /^-(?:[A-Za-z][\w.]+:|[\d("/]|OCSGW-\d)/i;
/** -c with a path of Windows attached. */
const CONFIG_AT_DRIVE = /^-c[A-Za-z]:[\\/]/;

/** -client:x means a term that must not hold, and commander would read -c with the value lient:x. */
const marked = (words: readonly string[]): string[] => {
  const takesFilter = words[2] === "audit" && (words[3] === "search" || words[3] === "export");
  return words.map((word) => (takesFilter && NEGATED.test(word) && !CONFIG_AT_DRIVE.test(word) ? MARK + word : word));
};

const asTyped = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(asTyped);
  return typeof value === "string" && value.startsWith(MARK) ? value.slice(MARK.length) : value;
};

const whole = (text: string): number => {
  if (!/^\d{1,9}$/.test(text)) throw new CommanderError(2, "usage", `expected a whole number, found ${text}`);
  return Number(text);
};

const rate = (text: string): number => {
  if (!/^(\d{1,5}|\d{0,5}\.\d{1,6})$/.test(text) || Number(text) > 10_000)
    throw new CommanderError(2, "usage", `expected a number of records per second from 0 to 10000, found ${text}`);
  return Number(text);
};

const address = (text: string): string => {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text))
    throw new CommanderError(2, "usage", `expected an http or https address, found ${text}`);
  return text;
};

const bindAddress = (text: string): { readonly host: string; readonly port: number } => {
  const [, host, port] = /^(\[[0-9A-Fa-f:.]+\]|[0-9.]+|localhost):(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined || Number(port) > 65_535)
    throw new CommanderError(
      2,
      "usage",
      `expected an address and a port, as in 127.0.0.1:7654 or [::1]:7654, found ${text}`,
    );
  return { host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
};

const origin = (text: string): string => new URL(address(text)).origin;

const port = (text: string): number => {
  if (whole(text) > 65_535) throw new CommanderError(2, "usage", `expected a port, found ${text}`);
  return Number(text);
};

/** By name: to know the classes, every command would have to load the journal. */
const EXIT_OF: Readonly<Record<string, number>> = {
  WrongCommand: 2,
  CommandFailed: 5,
  JournalHeld: 5,
  LockUnavailable: 8,
  NoJournal: 8,
  CannotTell: 8,
  LineDamaged: 8,
};

refuseOldNode();
sayWhenCutShort();
try {
  await program().parseAsync(marked(process.argv));
} catch (error) {
  if (!(error instanceof CommanderError)) {
    console.error(faultInWords(error));
    process.exitCode = (error instanceof Error && EXIT_OF[error.name]) || 1;
  } else {
    if (error.code === "usage") console.error(error.message);
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  }
}
endThoughUnread();
