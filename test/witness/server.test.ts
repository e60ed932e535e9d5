/**
 * The witness at its address: limits, other paths and methods, several questions on one connection, and its list of
 * logs.
 */
import { once } from "node:events";
import { rm, utimes, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { signCheckpoint, verifierKey } from "../../src/journal/integrity/checkpoints/signed-note.ts";
import { openLogs, readLogs } from "../../src/witness/logs.ts";
import { aDirectory, aKey, removeDirectory } from "../journal/kit.ts";
import { aWitness, type TrueWitness } from "../kit/witness.ts";

const LOG = "gateway.test/main";
const key = aKey();
const VKEY = verifierKey(LOG, key);

let dir: string;
let witness: TrueWitness;
beforeEach(async () => {
  dir = await aDirectory();
  witness = await aWitness(dir, new Map([[LOG, [VKEY]]]));
});
afterEach(async () => {
  await witness.stop();
  await removeDirectory(dir);
});

const BODY = `old 0\n\n${signCheckpoint({ origin: LOG, size: 3, root: Buffer.alloc(32, 3) }, key)}`;
const post = (path: string, init: RequestInit = {}) =>
  fetch(witness.url + path, { method: "POST", body: BODY, ...init });

/** What comes back for these bytes, until the connection ends or nothing came for some time. */
const raw = async (text: string, quietMs = 300): Promise<string> => {
  const socket = connect(Number(new URL(witness.url).port), "127.0.0.1").setEncoding("latin1");
  let got = "";
  socket.on("data", (chunk: string) => (got += chunk)).on("error", () => undefined);
  socket.write(text);
  await Promise.race([
    once(socket, "close"),
    (async () => {
      for (let before = -1; before !== got.length;) {
        before = got.length;
        await new Promise((resolve) => setTimeout(resolve, quietMs));
      }
    })(),
  ]);
  socket.destroy();
  return got;
};

describe("the server of a witness", () => {
  it("cosigns at add-checkpoint", async () => {
    const response = await post("/add-checkpoint");
    expect([response.status, await response.text()]).toEqual([
      200,
      expect.stringMatching(/^— witness\.test\/w1 [A-Za-z0-9+/]+=*\n$/),
    ]);
  });

  it.each([
    ["/", {}, 404],
    ["/add-checkpoints", {}, 404],
    ["/add-checkpoint/", {}, 404],
    ["//add-checkpoint", {}, 404],
    ["/ADD-CHECKPOINT", {}, 404],
    ["/add-checkpoint", { method: "PUT" }, 405],
    ["/add-checkpoint", { method: "DELETE" }, 405],
    ["/add-checkpoint", { body: "" }, 400],
    ["/add-checkpoint", { body: "x".repeat(70_000) }, 413],
  ] as const)("answers %s %j with %i", async (path, init, status) => {
    const response = await post(path, init);
    expect(response.status).toBe(status);
    expect(await response.text()).not.toContain("—");
    expect(witness.news).toEqual([]);
  });

  it("reads no more of a body than its limit, whatever length it claims or does not claim", async () => {
    const head = (length: string): string => `POST /add-checkpoint HTTP/1.1\r\nHost: w\r\n${length}\r\n\r\n`;
    expect(await raw(head("Content-Length: 9999999999"))).toMatch(/^HTTP\/1\.1 413 /);
    expect(
      await raw(
        `${head("Transfer-Encoding: chunked")}${"8000\r\n".padEnd(6)}${"x".repeat(0x8000)}\r\n`.repeat(1) +
          `8001\r\n${"x".repeat(0x8001)}\r\n`,
      ),
    ).toMatch(/^HTTP\/1\.1 413 /);
    expect(await raw(head(`Content-Length: ${Buffer.byteLength(BODY)}\r\nX-Large: ${"y".repeat(20_000)}`))).toMatch(
      /^HTTP\/1\.1 431 /,
    );
    expect((await post("/add-checkpoint")).status).toBe(200);
  });

  it("serves several requests on one connection", async () => {
    const one = `POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: ${Buffer.byteLength(BODY)}\r\n\r\n${BODY}`;
    expect((await raw(one + one)).match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 409"]);
  });
});

describe("the list of logs", () => {
  it("has the given keys and those of logs.txt, which is read again when it changes", async () => {
    const faults: string[] = [];
    const logs = await openLogs(dir, [VKEY], (fault) => faults.push(fault));
    expect([...(await logs()).keys()]).toEqual([LOG]);
    const other = verifierKey("other.test/x", aKey());
    await writeFile(join(dir, "logs.txt"), `# of the other site\n${other}\n\n`);
    expect([...(await logs()).keys()]).toEqual([LOG, "other.test/x"]);
    // One that cannot be used leaves what was in force, and is told.
    await writeFile(join(dir, "logs.txt"), "nonsense, and longer than before\n".repeat(9));
    expect([...(await logs()).keys()]).toEqual([LOG, "other.test/x"]);
    expect(faults).toEqual([
      expect.stringContaining(
        'logs.txt is not used: "nonsense, and longer than before" is not the verifier key of a log',
      ),
    ]);
    await rm(join(dir, "logs.txt"));
    expect([...(await logs()).keys()]).toEqual([LOG]);
  });

  it("is read again when only the file's permissions or content changed, not its size and time", async () => {
    const [one, other] = [verifierKey("site.test/1", key), verifierKey("site.test/2", key)];
    const path = join(dir, "logs.txt");
    const write = async (line: string): Promise<void> => {
      await writeFile(path, line);
      await utimes(path, 1_700_000_000, 1_700_000_000);
    };
    await write(one);
    const logs = await openLogs(dir, [], () => undefined);
    await write(other);
    expect([...(await logs()).keys()]).toEqual(["site.test/2"]);
  });

  it("may have several keys of one log, but no key of a witness", () => {
    const second = verifierKey(LOG, aKey());
    expect(readLogs(`${VKEY}\r\n${second}\r\n`)).toEqual([VKEY, second]);
    expect(() => readLogs(witness.key)).toThrow("is not the verifier key of a log");
    expect(() => readLogs(VKEY.slice(0, -3))).toThrow("is not the verifier key of a log");
  });
});
