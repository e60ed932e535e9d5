/**
 * `ocsgw init`: writes a config that `ocsgw check` accepts and `ocsgw run` starts with, its secrets, and an API key for
 * each client. All tenants begin in mode: observe. Nothing is overwritten unless its path was given to --replace.
 */
import { isAbsolute, join, normalize, resolve } from "node:path";
import { check } from "../check/check.ts";
import { commandName } from "../process/command-name.ts";
import { deliver, isDiscarded } from "../process/output.ts";
import { inShell } from "../../common/shell-word.ts";
import { reason } from "../../common/system-error.ts";
import { DONE, FAILED, WRONG_USAGE } from "../exit-codes.ts";
import { command, Stop, type Host } from "../list-file.ts";
import type { Answers } from "./answers.ts";
import { askAnswers, type Terminal } from "./ask.ts";
import { PLACES } from "./config-text.ts";
import { filesOf, keysOf, type CreatedKey } from "./files.ts";
import { answersFrom, type InitOptions } from "./options.ts";
import { existing, stage, type NewFile, type Staged } from "./write-files.ts";

type InitHost = Host & { readonly terminal?: Terminal | undefined };

/** Resolves to the exit code. Prints the keys to stdout, one line for each client, and everything else to stderr. */
export const init = (options: InitOptions, host: InitHost = ofProcess()): Promise<number> =>
  command(host, async () => {
    if (options.input !== false && host.terminal === undefined)
      throw new Stop(
        WRONG_USAGE,
        "init needs a terminal for its questions, and none is available: give --no-input, and the answers as " +
          "options (init --help lists them)",
      );
    if (host.stdout === process.stdout && isDiscarded(1))
      throw new Stop(FAILED, "nothing was written: stdout is closed or /dev/null, so nobody would see the API keys");
    const asked = options.input === false ? answersFrom(options) : await askAnswers(options, host.terminal!);
    const answers = absolute(asked);
    const keys = keysOf(answers);
    const files = filesOf(answers, keys);
    const replace = (options.replace ?? []).map((path) => placeIn(answers.dir, path, files));
    const kept = (
      await existing(
        answers.dir,
        files.map(({ path }) => path),
      )
    ).filter((path) => !replace.includes(path));
    if (kept.length > 0) throw new Stop(FAILED, wouldOverwrite(answers.dir, kept));
    await stage(answers.dir, { files, replace }, async (staged) => {
      await validate(staged, answers.dir, host);
      await showKeys(keys, { files, answers, options, host });
      await staged.commit().catch((error: unknown) => {
        throw new Stop(FAILED, `the printed keys are not valid: ${reason(error)}`);
      });
    });
    if (options.json !== true) host.stderr.write(report(answers, files));
  });

const ofProcess = (): InitHost => ({
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  terminal: process.stdin.isTTY ? { input: process.stdin, output: process.stderr } : undefined,
});

/** Paths of the user's files are relative to the working directory, and those in the config to the config. */
const absolute = (answers: Answers): Answers => ({
  ...answers,
  upstreamCa: answers.upstreamCa === undefined ? undefined : resolve(answers.upstreamCa),
  tls:
    answers.tls.kind === "files"
      ? { ...answers.tls, cert: resolve(answers.tls.cert), key: resolve(answers.tls.key) }
      : answers.tls,
});

const placeIn = (dir: string, path: string, files: readonly NewFile[]): string => {
  const wanted = isAbsolute(path) ? path : resolve(path);
  const found = files.find((file) => resolve(dir, file.path) === normalize(wanted));
  if (found) return found.path;
  const known = files.map((file) => join(dir, file.path)).join(", ");
  throw new Stop(WRONG_USAGE, `--replace: init writes no file ${path}; it writes ${known}`);
};

const wouldOverwrite = (dir: string, paths: readonly string[]): string => {
  const names = paths.map((path) => join(dir, path));
  return (
    `nothing was written, because init does not overwrite files: ${names.join(", ")}\n` +
    `Use another --dir, move them away, or name each one to overwrite: ` +
    names.map((name) => `--replace ${inShell(name)}`).join(" ")
  );
};

/** Holds the staged config to everything that `ocsgw check` does. */
const validate = async ({ folder }: Staged, dir: string, { env }: Host): Promise<void> => {
  let said = "";
  const stdout = { write: (text: string) => (said += text) };
  const code = await check({ config: join(folder, PLACES.config) }, { stdout, env });
  if (code === DONE) return;
  throw new Stop(code, `nothing was written, because the config would not be valid:\n${said.replaceAll(folder, dir)}`);
};

type Shown = {
  readonly files: readonly NewFile[];
  readonly answers: Answers;
  readonly options: InitOptions;
  readonly host: Host;
};

/** The keys are shown before they are stored: a key that nobody has seen must not be valid. */
const showKeys = async (keys: readonly CreatedKey[], { files, answers, options, host }: Shown): Promise<void> => {
  const text = options.json
    ? `${JSON.stringify(
        {
          files: files.map(({ path }) => join(answers.dir, path)),
          keys: keys.map(({ client, id, key }) => ({ client, id, key })),
          next: nextCommands(answers.dir),
        },
        null,
        2,
      )}\n`
    : keys.map(({ client, key }) => `${client} ${key}\n`).join("");
  await deliver(host.stdout, text).catch((error: unknown) => {
    throw new Stop(FAILED, `nothing was written, because the keys could not be written to stdout: ${reason(error)}`);
  });
};

const nextCommands = (dir: string): readonly string[] => {
  const config = `-c ${inShell(join(dir, PLACES.config))}`;
  return ["check --connect", "discover --dbids 100-400", "run"].map((each) => `${commandName()} ${each} ${config}`);
};

const report = ({ dir, tenants, clients, tls, records }: Answers, files: readonly NewFile[]): string => {
  const [check, discover, run] = nextCommands(dir);
  const notes = [
    "The keys above are not shown again: give each client its own. keys.yaml holds their hashes.",
    ...(tls.kind === "development"
      ? [`Clients need ${join(dir, PLACES.ca)} to trust the certificate, which is for development and ends in 30 days.`]
      : []),
    ...(records.kind === "pre-dial"
      ? [`Set OCS's option validation-uri to ${callbackUri(records.bind)}, so that OCS announces its records.`]
      : []),
    ...(process.geteuid?.() === 0 ? [ROOTS] : []),
  ];
  return [
    ...files.map(({ path }) => `wrote ${join(dir, path)}`),
    `${tenants.length} ${tenants.length === 1 ? "tenant" : "tenants"} in mode: observe, ` +
      `${clients.length} ${clients.length === 1 ? "client" : "clients"}`,
    ...notes,
    "",
    "next:",
    `  ${check}    # tests OCS, addresses, disk and clock`,
    `  ${discover}    # shows OCS's campaign groups; --assign says whose they are`,
    `  ${run}`,
    "",
  ].join("\n");
};

/** OCS cannot connect to 0.0.0.0 or [::]: the host is left for the operator to fill in. */
const callbackUri = (bind: string): string => {
  const all = /^(?:0\.0\.0\.0|\[::\]):/;
  return all.test(bind)
    ? `http://HOST:${bind.replace(all, "")}/ (HOST: this machine, as OCS knows it)`
    : `http://${bind}/`;
};

const ROOTS =
  "You are root: the files belong to the owner of their folder. If the gateway runs as another user, give them to it.";
