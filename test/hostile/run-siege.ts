/**
 * `npm run siege [-- --seconds N] [--only PART]`: slow, silent, sudden, hasty and bulky clients at full strength,
 * beside one of good faith; then testssl.sh, whole. Prints each figure beside its goal; exits 1 when one is missed.
 * Programs that are not installed are named and left out.
 */
import { fork, type ChildProcess } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { run } from "../kit/command.ts";
import { clientHello } from "../kit/client-hello.ts";
import { programOf } from "../kit/machine.ts";
import { SERVICE_ENVIRONMENT } from "../kit/service-environment.ts";
import { attack, type Address } from "./attack.ts";
import type { Lives } from "./connection-lifetimes.ts";
import { latin1 } from "./payload.ts";
import { askFaithfully, MODES, quantile, slowly, type Mode } from "./slowhttptest.ts";
import { testssl } from "./testssl.ts";

const { values } = parseArgs({ options: { seconds: { type: "string", default: "60" }, only: { type: "string" } } });
const SECONDS = Number(values.seconds);
const RATE = 200;
/** Longer than a lane is watched for stray bytes. */
const WATCHED_MS = 75;
/** Who has nothing to say is not waited for any longer. */
const SILENCE_MS = 15_000;
/** As long as an attack lasts whose connections are closed in time. */
const PEACE_MS = 12_000;

type Doors = { readonly ports: { readonly plain: number; readonly tls: number }; readonly ca: string };

let missed = 0;
const tell = (what: string, found: string, goal: string, met: boolean): void => {
  if (!met) missed++;
  console.log(`${met ? "ok    " : "MISSED"} ${what}: ${found} (goal ${goal})`);
};
const note = (text: string): void => console.log(`       ${text}`);

const start = async <Answer>(program: string): Promise<{ readonly child: ChildProcess; readonly answer: Answer }> => {
  const env = { ...process.env, OCSGW_LOG: "silent", ...SERVICE_ENVIRONMENT };
  const child = fork(new URL(program, import.meta.url), { env });
  return { child, answer: await answerOf<Answer>(child) };
};
const answerOf = <Answer>(child: ChildProcess): Promise<Answer> =>
  new Promise((resolve) => child.once("message", (message) => resolve(message as Answer)));

const {
  child,
  answer: { ports, ca },
} = await start<Doors>("test-gateway-program.ts");
const bare = await start<number>("bare-program.ts");
const [plain, tls, beside]: readonly [Address, Address, Address] = [
  { port: ports.plain },
  { port: ports.tls, ca },
  { port: bare.answer, ca },
];
/**
 * A source may have so many connections, and no more: who behaves comes from elsewhere than who does not. And from many
 * places, because the kernel looks for milliseconds for a free port of an address that has had thousands within the
 * last minute.
 */
const elsewhere: readonly Address[] = Array.from({ length: 200 }, (_, at) => ({ ...plain, from: `127.0.1.${at + 1}` }));
const megabytes = (): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))![1]) / 1024;
const descriptors = (): number => readdirSync(`/proc/${child.pid}/fd`).length;
/** Of the connections to the TLS listener since the last time. */
const livesOf = (): Promise<Lives> => {
  child.send(ports.tls);
  return answerOf<Lives>(child);
};
const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** How the client of good faith fared. */
type Fared = { readonly latencies: number[]; /** Requests without their answer. */ wrong: number };
const unasked = (): Fared => ({ latencies: [], wrong: 0 });
const p99 = ({ latencies }: Fared): number => quantile(latencies, 0.99);

const faithfully = async <Value>(fared: Fared, during: () => Promise<Value>): Promise<Value> => {
  const client = askFaithfully(elsewhere, RATE);
  const value = await during();
  const { latencies, wrong } = await client.stop();
  fared.latencies.push(...latencies);
  fared.wrong += wrong;
  return value;
};

/** They run only while nobody else wants a processor: from elsewhere they would take none. */
const politely = (program: string): readonly [string, ...string[]] => {
  const [idle, nice] = [programOf("chrt"), programOf("nice")];
  if (idle !== undefined) return [idle, "--idle", "0", program];
  return nice === undefined ? [program] : [nice, "-n", "19", program];
};

/**
 * An attack again and again until it has lasted as long as it is to, in turns with peace and with the same attack on a
 * bare server beside the gateway: a machine that is slower for a while is so for all three. The bare server's share is
 * the machine's, which has the attackers on it too.
 */
const inTurns = async (name: string, attackOn: (address: Address) => Promise<void>): Promise<void> => {
  const [peace, siege, control] = [unasked(), unasked(), unasked()];
  for (let lasted = 0; lasted < SECONDS * 1000;) {
    await faithfully(peace, () => rest(PEACE_MS));
    const began = performance.now();
    await faithfully(siege, () => attackOn(tls));
    lasted += performance.now() - began;
    await faithfully(control, () => attackOn(beside));
  }
  tell(
    `${name}: the other client's requests without their answer`,
    `${siege.wrong} of ${siege.latencies.length}`,
    "0",
    siege.wrong === 0,
  );
  tell(
    `${name}: the other client's p99`,
    `${p99(siege).toFixed(1)} ms, ${(p99(siege) / p99(peace)).toFixed(2)} times`,
    `2 times ${p99(peace).toFixed(1)} ms, in peace`,
    p99(siege) <= 2 * p99(peace),
  );
  note(
    `${name}: its p99 while a bare server is attacked so, beside the gateway: ${p99(control).toFixed(1)} ms, ` +
      `${(p99(control) / p99(peace)).toFixed(2)} times`,
  );
};

/**
 * Seconds that a connection may last. A small answer that is not read lies in the kernel, and the connection is an idle
 * one, which is kept.
 */
const LIMITS: Readonly<Record<Mode, number>> = {
  "slow headers": 6.5,
  "slow body": 16,
  ranges: 6.5,
  "slow read": Infinity,
};

const slowClients = async (): Promise<void> => {
  const program = programOf("slowhttptest");
  if (program === undefined) return console.log("left out: slowhttptest is not on this machine");
  for (const mode of Object.keys(MODES) as Mode[]) {
    const [ends, lives]: [string[], Lives[]] = [[], []];
    await inTurns(`${mode}, 1000 connections`, async (address) => {
      await livesOf();
      const ended = await slowly(politely(program), address, {
        mode,
        connections: 1000,
        perSecond: 200,
        seconds: SECONDS,
      });
      if (address !== tls) return;
      ends.push(ended);
      lives.push(await livesOf());
    });
    const [limit, taken, open, longest] = [
      LIMITS[mode],
      sum(lives.map((each) => each.taken)),
      sum(lives.map((each) => each.open)),
      Math.max(...lives.map((each) => each.longest)) / 1000,
    ];
    const found =
      `${taken} taken in ${ends.length} attacks, ${open} left open, the longest closed after ${longest.toFixed(1)} ` +
      `s; the tool: ${[...new Set(ends)].join(", ")}`;
    if (limit === Infinity) note(`${mode}: ${found}`);
    else
      tell(
        `${mode}: every connection closed`,
        found,
        `0 left open, ${limit} s`,
        open === 0 && longest <= limit && ends.every((ended) => ended.startsWith("No open")),
      );
  }
};

const HASTY = fileURLToPath(new URL("hasty-program.ts", import.meta.url));

const hastyClients = async (): Promise<void> => {
  const [perSecond, seconds] = [500, PEACE_MS / 1000];
  const fates: { readonly came: number; readonly greeted: number }[] = [];
  await inTurns(`${perSecond} handshakes a second`, async (address) => {
    const [program, ...args] = politely(process.execPath);
    const { stdout } = await run(program, [...args, HASTY, ...[address.port, perSecond, seconds].map(String)]);
    if (address === tls) fates.push(JSON.parse(stdout));
  });
  const [came, greeted] = [sum(fates.map((each) => each.came)), sum(fates.map((each) => each.greeted))];
  tell("newcomers that are greeted", `${greeted} of ${came}`, "all", greeted === came);
};

const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0);

const connected = (port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1" }, () => resolve(socket)).on("error", reject);
  });

/** A crowd that is there already, and says hello in one moment. */
const crowds = async (): Promise<void> => {
  const [said, request] = [
    await clientHello(),
    latin1("POST /phones/4155550123?req=DoNotCall HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"),
  ];
  const [fared, waits]: [Fared, number[]] = [unasked(), []];
  for (let round = 0; round < 5; round++) {
    const crowd = await Promise.all(Array.from({ length: 500 }, () => connected(ports.tls)));
    // The gateway takes one with each turn of its event loop.
    await rest(500);
    await faithfully(fared, async () => {
      for (const socket of crowd) socket.write(said);
      const began = performance.now();
      await attack({ ...tls, from: "127.0.2.1" }, [request]);
      waits.push(performance.now() - began);
      await rest(1000);
    });
    for (const socket of crowd) socket.destroy();
  }
  tell(
    "500 clients that say hello in one moment: the other client's requests without their answer",
    `${fared.wrong} of ${fared.latencies.length}`,
    "0",
    fared.wrong === 0,
  );
  tell(
    "its longest wait",
    `${Math.max(...fared.latencies).toFixed(0)} ms`,
    "200 ms",
    Math.max(...fared.latencies) <= 200,
  );
  tell(
    "one who comes then and from elsewhere, over TLS, until it has its answer",
    `${waits.map((wait) => wait.toFixed(0)).join(", ")} ms`,
    "200 ms",
    Math.max(...waits) <= 200,
  );
};

/**
 * Whether it hears of its end: for whom there was no room at the server may believe that it is connected, and is never
 * told.
 */
const silentClient = (at: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket: Socket = connect({ port: ports.tls, host: "127.0.0.1", localAddress: `127.0.0.${3 + (at % 8)}` }).on(
      "error",
      () => undefined,
    );
    const patience = setTimeout(() => (resolve(false), socket.destroy()), SILENCE_MS);
    socket.resume().once("close", () => (clearTimeout(patience), resolve(true)));
  });

const silentClients = async (): Promise<void> => {
  const before = descriptors();
  await livesOf();
  const heard = await Promise.all(Array.from({ length: 2000 }, (_, at) => silentClient(at)));
  const unheard = heard.filter((hears) => !hears).length;
  const { taken, longest, open } = await livesOf();
  tell(
    "2000 connections that never send a byte: taken",
    `${taken}, and ${unheard} clients heard of no end within ${SILENCE_MS / 1000} s`,
    "2000 and 0",
    taken === 2000 && unheard === 0,
  );
  tell(
    "all closed",
    `${open} left open, the longest closed after ${(longest / 1000).toFixed(1)} s`,
    "0 and 6 s",
    open === 0 && longest <= 6000,
  );
  await rest(1000);
  tell("descriptors afterwards", `${descriptors() - before} more`, "5", descriptors() - before <= 5);
};

const bulkyClients = async (): Promise<void> => {
  const long = latin1(
    `POST /phones/4155550100?req=DoNotCall HTTP/1.1\r\nHost: localhost\r\nX-Long: ${"x".repeat(24_577)}\r\n\r\n`,
  );
  const flood = async (rounds: number): Promise<number> => {
    let refused = 0;
    for (let round = 0; round < rounds; round++) {
      const outcomes = await Promise.all(Array.from({ length: 100 }, () => attack(plain, [long])));
      refused += outcomes.filter(({ replies: [reply] }) => reply?.status === 431).length;
    }
    return refused;
  };
  // What a process grows to once under any load is not what one client costs.
  await flood(20);
  const before = megabytes();
  const refused = await flood(100);
  tell("10,000 heads of 24 KiB and more", `${refused} refused with 431`, "10000", refused === 10_000);
  tell("memory afterwards", `${(megabytes() - before).toFixed(0)} MB more`, "64 MB", megabytes() - before <= 64);
};

const halfClosers = async (): Promise<void> => {
  const client = (address: Address): Promise<boolean> =>
    attack(
      address,
      [
        latin1(
          "POST /phones/4155550123?req=DoNotCall HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic " +
            "YmV0YTprZXktb2YtYmV0YQ==\r\nContent-Length: 0\r\n\r\n",
        ),
      ],
      0,
    ).then(({ replies: [reply] }) => reply?.origin === "ocs");
  let served = 0;
  // No more at a time than there are lanes, and none while they are watched after a negative answer: who closes while
  // the request waits for one has hung up.
  for (let round = 0; round < 100; round++) {
    served += (await Promise.all(Array.from({ length: 10 }, (_, at) => client(at % 2 === 0 ? plain : tls)))).filter(
      Boolean,
    ).length;
    await rest(WATCHED_MS);
  }
  tell(
    "clients that close their side behind their request",
    `${served} of 1000 have their answer`,
    "1000",
    served === 1000,
  );
};

const secrecy = async (): Promise<void> => {
  const program = programOf("testssl");
  if (program === undefined) return console.log("left out: testssl is not on this machine");
  const dir = await mkdtemp(join(tmpdir(), "ocsgw-siege-"));
  await writeFile(join(dir, "ca.crt"), ca);
  const { all, bad } = await testssl(program, ports.tls, join(dir, "ca.crt"));
  await rm(dir, { recursive: true, force: true });
  tell(`testssl.sh, ${all.length} findings`, bad.join("; ") || "nothing of LOW or worse", "nothing", bad.length === 0);
};

const PARTS: Readonly<Record<string, () => Promise<void>>> = {
  "half-closers": halfClosers,
  silent: silentClients,
  crowds: crowds,
  hasty: hastyClients,
  bulky: bulkyClients,
  slow: slowClients,
  testssl: secrecy,
};
const asked =
  values.only === undefined ? Object.values(PARTS) : [PARTS[values.only]].filter((part) => part !== undefined);
if (asked.length === 0) console.error(`--only: expected one of ${Object.keys(PARTS).join(", ")}`);
note(
  "attackers are started by " +
    `${politely("").slice(0, -1).join(" ") || "nothing else, and take a share of the processors"}`,
);
// The first thousand requests are slower than any attack.
await faithfully(unasked(), () => rest(5000));
for (const part of asked) await part();
child.disconnect();
bare.child.disconnect();
process.exitCode = asked.length > 0 && missed === 0 ? 0 : 1;
