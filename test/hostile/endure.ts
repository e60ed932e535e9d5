/**
 * `npm run siege [-- --seconds N]`: slow, silent and bulky clients at full strength, beside one of good faith; then testssl.sh, whole.
 * Prints each figure beside its goal; exits 1 when one is missed. Programs that are not installed are named and left out.
 */
import { fork, type ChildProcess } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { programOf } from "../kit/machine.ts";
import { attack, type Door } from "./attack.ts";
import { latin1 } from "./payload.ts";
import { askFaithfully, MODES, quantile, slowly, type Mode } from "./slowhttptest.ts";
import { testssl } from "./testssl.ts";

const { values } = parseArgs({ options: { seconds: { type: "string", default: "60" } } });
const SECONDS = Number(values.seconds);
const RATE = 200;
/** Longer than a lane is watched for stray bytes. */
const WATCHED_MS = 75;

type Doors = { readonly ports: { readonly plain: number; readonly tls: number }; readonly ca: string };

let missed = 0;
const tell = (what: string, found: string, goal: string, met: boolean): void => {
  if (!met) missed++;
  console.log(`${met ? "ok    " : "MISSED"} ${what}: ${found} (goal ${goal})`);
};

const child: ChildProcess = fork(new URL("field-program.ts", import.meta.url), { env: { ...process.env, OCSGW_LOG: "silent" } });
const { ports, ca } = await new Promise<Doors>((resolve) => child.once("message", (message) => resolve(message as Doors)));
const [plain, tls]: readonly [Door, Door] = [{ port: ports.plain }, { port: ports.tls, ca }];
/** A source may have so many connections, and no more: who behaves comes from elsewhere than who does not. */
const elsewhere: Door = { ...plain, from: "127.0.0.2" };
const megabytes = (): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))![1]) / 1024;
const descriptors = (): number => readdirSync(`/proc/${child.pid}/fd`).length;
const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const faithfully = async <Value>(during: () => Promise<Value>): Promise<{ readonly value: Value; readonly p99: number; readonly wrong: number; readonly count: number }> => {
  const client = askFaithfully(elsewhere, RATE);
  const value = await during();
  const { latencies, wrong } = await client.stop();
  return { value, p99: quantile(latencies, 0.99), wrong, count: latencies.length };
};

const slowClients = async (): Promise<void> => {
  const program = programOf("slowhttptest");
  if (program === undefined) return console.log("left out: slowhttptest is not on this machine");
  const quiet = await faithfully(() => rest(10_000));
  console.log(`       ${RATE} requests/s in peace: p99 ${quiet.p99.toFixed(1)} ms, ${quiet.wrong} of ${quiet.count} wrong`);
  for (const mode of Object.keys(MODES) as Mode[]) {
    const { value, p99, wrong, count } = await faithfully(() => slowly(program, tls, { mode, connections: 1000, perSecond: 200, seconds: SECONDS }));
    tell(`${mode}, 1000 connections: the other client's requests without their answer`, `${wrong} of ${count}`, "0", wrong === 0);
    tell(`${mode}: the other client's p99`, `${p99.toFixed(1)} ms`, `2 × ${quiet.p99.toFixed(1)} ms`, p99 <= 2 * quiet.p99);
    // The last of them came within 5 s.
    const limit = { "slow headers": 5 + 6.5, "slow body": 5 + 16, "ranges": 5 + 6.5, "slow read": Infinity }[mode];
    tell(`${mode}: every connection closed`, `${value.ended}, after ${value.seconds.toFixed(1)} s`, Number.isFinite(limit) ? `${limit} s` : "none: small answers lie in the kernel", !Number.isFinite(limit) || (value.ended.startsWith("No open") && value.seconds <= limit + 1));
  }
};

const silentClients = async (): Promise<void> => {
  const before = descriptors();
  const lives = await Promise.all(Array.from({ length: 2000 }, (_, at) => new Promise<number>((resolve, reject) => {
    let began = 0;
    const socket: Socket = connect({ port: ports.tls, host: "127.0.0.1", localAddress: `127.0.0.${3 + (at % 8)}` }, () => (began = performance.now())).on("error", reject);
    socket.resume().once("close", () => resolve(performance.now() - began));
  })));
  const seconds = Math.max(...lives) / 1000;
  tell("2000 connections that never send a byte: all closed", `the last after ${seconds.toFixed(1)} s`, "6 s", seconds <= 6);
  await rest(1000);
  tell("descriptors afterwards", `${descriptors() - before} more`, "5", descriptors() - before <= 5);
};

const bulkyClients = async (): Promise<void> => {
  const long = latin1(`POST /phones/4155550100?req=DoNotCall HTTP/1.1\r\nHost: localhost\r\nX-Long: ${"x".repeat(16_385)}\r\n\r\n`);
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
  tell("10,000 heads of 16 KiB and more", `${refused} refused with 431`, "10000", refused === 10_000);
  tell("memory afterwards", `${(megabytes() - before).toFixed(0)} MB more`, "64 MB", megabytes() - before <= 64);
};

const halfClosers = async (): Promise<void> => {
  const client = (door: Door): Promise<boolean> => attack(door, [latin1("POST /phones/4155550123?req=DoNotCall HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic YmV0YTprZXktb2YtYmV0YQ==\r\nContent-Length: 0\r\n\r\n")], 0).then(({ replies: [reply] }) => reply?.origin === "ocs");
  let served = 0;
  // No more at a time than there are lanes, and none while they are watched after a negative answer: who closes while the request waits for one has hung up.
  for (let round = 0; round < 100; round++) {
    served += (await Promise.all(Array.from({ length: 10 }, (_, at) => client(at % 2 === 0 ? plain : tls)))).filter(Boolean).length;
    await rest(WATCHED_MS);
  }
  tell("clients that close their side behind their request", `${served} of 1000 have their answer`, "1000", served === 1000);
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

for (const part of [halfClosers, silentClients, bulkyClients, slowClients, secrecy]) await part();
child.disconnect();
process.exitCode = missed === 0 ? 0 : 1;
