/** `check --connect` tries the destinations of audit.forward. */
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { forwardRows } from "../../../../src/cli/check/connect/forward.ts";
import type { ForwardAddress } from "../../../../src/journal/forward/destination.ts";
import type { Settings } from "../../../../src/settings/schema/schema.ts";
import { aDirectory, removeDirectory } from "../../../journal/kit.ts";
import { aReceiver, type Receiver } from "../../../journal/forward/receiver.ts";

let dir: string;
let there: Receiver;
beforeEach(async () => {
  dir = await aDirectory();
  there = await aReceiver({ framing: "lines" });
});
afterEach(async () => {
  await there.close();
  await removeDirectory(dir);
});

const rowOf = async (to: ForwardAddress) =>
  (await forwardRows({ audit: { forward: [{ name: "siem", to, tls: null }] } } as unknown as Settings))[0]!;
const at = (port: number, protocol: "tcp" | "udp" | "tls"): ForwardAddress => ({
  kind: "syslog",
  protocol,
  host: "127.0.0.1",
  port,
});

describe("check --connect", () => {
  it.each<[string, () => ForwardAddress, { state: "ok" | "fail"; says: RegExp }]>([
    ["a receiver that listens", () => at(there.port, "tcp"), { state: "ok", says: /accepts connections$/ }],
    ["a port that is closed", () => at(1, "tcp"), { state: "fail", says: /^syslog:tcp:\/\/127\.0\.0\.1:1: ./ }],
    ["UDP", () => at(1, "udp"), { state: "ok", says: /UDP cannot say whether a receiver is there$/ }],
    ["a file", () => ({ kind: "file", path: join(dir, "out") }), { state: "ok", says: /its folder can be written$/ }],
    ["a file in no folder", () => ({ kind: "file", path: join(dir, "no/out") }), { state: "fail", says: /no\/out: ./ }],
  ])(
    "tries %s and sends nothing",
    async (_name, to, { state, says }) => {
      const row = await rowOf(to());
      expect(row).toMatchObject({ name: "forward siem", state });
      expect(row.says[0]).toMatch(says);
      expect(there.messages).toEqual([]);
    },
    10_000,
  );
});
