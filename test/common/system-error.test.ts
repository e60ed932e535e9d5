import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { createServer as createTls, get } from "node:https";
import { connect, createServer } from "node:net";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, it } from "vitest";
import { testAuthority, type Wanted } from "../kit/certificates.ts";
import { faultInWords, reason } from "../../src/common/system-error.ts";

const dir = mkdtempSync(join(tmpdir(), "ocsgw-system-error-"));
afterAll(() => rmSync(dir, { recursive: true }));
const at = (name: string): string => join(dir, name);

const faultOf = async (work: () => unknown): Promise<unknown> => {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new Error("it did not fail");
};

const listenOn = (port: number, host = "127.0.0.1"): Promise<void> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject).listen(port, host, () => server.close(() => resolve()));
  });

describe("system errors as text", () => {
  writeFileSync(at("file"), "");
  it.each([
    ["a missing file", () => readFile(at("none")), `cannot open ${at("none")}: there is no such file`],
    [
      "a file in a missing directory",
      () => writeFile(at("no/file"), ""),
      `cannot open ${at("no/file")}: there is no directory ${at("no")}`,
    ],
    ["a directory read as a file", () => readFile(dir), "it is a directory"],
    [
      "a path through a file",
      () => readdir(at("file/x")),
      `cannot list ${at("file/x")}: part of the path is not a directory`,
    ],
    ["an existing directory", () => mkdir(at("")), `cannot make ${at("")}: it exists already`],
    [
      "a missing file to be renamed",
      () => rename(at("none"), at("other")),
      `cannot rename ${at("none")}: there is no such file`,
    ],
    ["a missing file to be deleted", () => rm(at("none")), `cannot look at ${at("none")}: there is no such file`],
    ["a full disk", () => writeFile("/dev/full", "x"), "no space is left on the disk"],
    [
      "a current directory that was removed",
      () => {
        throw Object.assign(new Error("ENOENT: process.cwd failed, uv_cwd"), { code: "ENOENT", syscall: "uv_cwd" });
      },
      "the current directory was removed or cannot be accessed (there is no such file): change to another directory",
    ],
    ...(
      [
        ["EDQUOT", "the disk quota is used up"],
        ["ESTALE", "the network file system no longer knows it: mount it again"],
      ] as const
    ).map(([name, says]): [string, () => unknown, string] => [
      `${name}, for which libuv has no name`,
      () => {
        const errno = -constants.errno[name];
        const code = `Unknown system error ${errno}`;
        throw Object.assign(new Error(`${code}: ${code}, write`), { code, errno, syscall: "write" });
      },
      says,
    ]),
    ["a name that is too long", () => open(at("x".repeat(300))), /: the name is too long$/],
    [
      "an address that this machine does not have",
      () => listenOn(0, "192.0.2.1"),
      /^cannot listen on 192\.0\.2\.1(:0)?: this machine has no such address$/,
    ],
    [
      "a port that refuses",
      () =>
        new Promise((_, reject) => {
          connect(1, "127.0.0.1").on("error", reject);
        }),
      "no connection to 127.0.0.1:1: connection refused",
    ],
    [
      "a full database",
      () => {
        throw Object.assign(new Error("database or disk is full"), { code: "ERR_SQLITE_ERROR", errcode: 13 });
      },
      "no space is left on the disk",
    ],
    [
      "a file that is not a database",
      () => {
        new DatabaseSync(at("text"), { readOnly: true }).exec("SELECT * FROM sqlite_master");
      },
      "it is not a database",
    ],
    [
      "a code without words of ours",
      () => {
        throw Object.assign(new Error("EILSEQ: x, open 'y'"), { code: "EILSEQ", syscall: "open", path: "y" });
      },
      "cannot open y: illegal byte sequence",
    ],
    [
      "an error that is not the system's",
      () => {
        throw new Error("no such tenant");
      },
      "no such tenant",
    ],
    [
      "a value that is not an error",
      () => {
        throw "odd" as unknown as Error;
      },
      "odd",
    ],
  ])("describe %s", async (_, work, says) => {
    writeFileSync(at("text"), "this is no database, but long enough to be looked at as one ".repeat(20));
    const words = faultInWords(await faultOf(work));
    expect(words).toEqual(typeof says === "string" ? says : expect.stringMatching(says));
    expect(words).not.toMatch(/\bE[A-Z]{3,}\b|disk is full/);
  });

  it.each<[string, RegExp, Wanted, { readonly isTrusted: boolean }]>([
    ["a certificate of an unknown CA", /^its certificate was not issued by a trusted CA$/, {}, { isTrusted: false }],
    ["an expired certificate", /its certificate, or one of its CA's, has expired$/, { to: -1000 }, { isTrusted: true }],
    ["one that is not valid yet", /is not valid yet: compare the clocks$/, { from: 60_000 }, { isTrusted: true }],
    ["one for another name", /is for another host name$/, { names: ["other.example"] }, { isTrusted: true }],
  ])("describe a server with %s", async (_, says, wanted, { isTrusted }) => {
    const root = testAuthority("root");
    const { certPem, keyPem } = root.issue({ cn: "server", names: ["127.0.0.1"], usage: "serverAuth", ...wanted });
    const server = createTls({ cert: certPem, key: keyPem }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const asked = get({ host: "127.0.0.1", port, ...(isTrusted && { ca: root.certPem }) });
    const [error] = (await once(asked, "error").catch((thrown: unknown) => [thrown])) as [unknown];
    expect(reason(error)).toMatch(says);
    await new Promise((resolve) => server.close(resolve));
  });

  it.each<[string, (port: number) => string, RegExp]>([
    ["closes without an answer", (port) => `http://127.0.0.1:${port}/`, /^it closed the connection without an answer$/],
    ["does not speak TLS", (port) => `https://127.0.0.1:${port}/`, /^it does not speak TLS: is that its http port\?$/],
  ])("describe a server that %s", async (_, url, says) => {
    const server = createServer((socket) => {
      socket
        .on("error", () => undefined)
        .once("data", (data) => {
          if (data[0] === 0x16) socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
          else socket.end();
        });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const error = await faultOf(() => fetch(url((server.address() as { port: number }).port)));
    expect(reason((error as Error).cause)).toMatch(says);
    await new Promise((resolve) => server.close(resolve));
  });

  it("say what to do about a port that is in use", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as { port: number };
    expect(faultInWords(await faultOf(() => listenOn(port)))).toBe(
      `cannot listen on 127.0.0.1:${port}: the address is in use by another process; stop that one, or choose ` +
        "another address",
    );
    await new Promise((resolve) => other.close(resolve));
  });

  it("name the user who lacks a permission", () => {
    const tested = new URL("../../src/common/system-error.ts", import.meta.url).pathname;
    const program = `import { readFileSync } from "node:fs"; import { faultInWords } from ${JSON.stringify(tested)};
      process.setgroups?.([]); process.setgid(12345); process.setuid(12345);
      try { readFileSync("/etc/shadow"); } catch (error) { console.log(faultInWords(error)); }`;
    const uid = process.getuid?.() ?? 0;
    expect(reason(Object.assign(new Error("x"), { code: "EACCES" }))).toBe(`not permitted for uid ${uid}`);
    if (uid === 0)
      expect(execFileSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" })).toBe(
        "cannot open /etc/shadow: not permitted for uid 12345\n",
      );
  });
});
