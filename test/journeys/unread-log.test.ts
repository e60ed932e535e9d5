/** A log that nobody reads holds up nothing: neither the start, nor requests, nor the end. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { request } from "undici";
import { expect, it, vi } from "vitest";
import { root } from "../kit/command.ts";
import { aConfigured, basic, twoTenants } from "../kit/gateway.ts";
import { OK, rawOcs } from "../kit/raw-ocs.ts";
import { freePort } from "../kit/server-program.ts";

it(
  "a gateway whose stderr is a full pipe starts, serves, and ends when it is told to",
  { timeout: 60_000 },
  async () => {
    const ocs = await rawOcs(({ connection }) => void connection.socket.write(OK));
    const [port, admin] = [await freePort(), await freePort()];
    const config = twoTenants(ocs.url);
    const dir = await aConfigured(
      {
        ...config,
        listeners: [{ ...(config["listeners"] as readonly object[])[0]!, bind: `127.0.0.1:${port}` }],
        admin: { bind: `127.0.0.1:${admin}`, tls: "none" },
      },
      ["alpha"],
    );
    const pipe = join(dir, "stderr");
    execFileSync("mkfifo", [pipe]);
    const own = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
    const theirs = openSync(pipe, constants.O_WRONLY);
    const filling = Buffer.alloc(4096, " ");
    try {
      for (;;) writeSync(own, filling);
    } catch {
      /* it is full */
    }
    const gateway = spawn(process.execPath, [join(root, "src/cli/main.ts"), "run", "-c", join(dir, "ocsgw.yaml")], {
      stdio: ["ignore", "ignore", theirs],
      env: { ...process.env, OCSGW_LOG: "info" },
    });
    closeSync(theirs);
    try {
      const exit = once(gateway, "exit");
      await vi.waitFor(async () => expect((await request(`http://127.0.0.1:${admin}/readyz`)).statusCode).toBe(200), {
        timeout: 20_000,
        interval: 50,
      });
      const { statusCode, body } = await request(`http://127.0.0.1:${port}/phones/4155550100?req=DoNotCall`, {
        method: "POST",
        headers: { Authorization: basic("alpha") },
      });
      await body.dump();
      expect(statusCode).toBe(200);
      gateway.kill("SIGHUP");
      const into = Buffer.alloc(1 << 20);
      let text = "";
      // Once somebody reads, what was kept comes.
      await vi.waitFor(
        () => {
          text += into.subarray(0, readSync(own, into)).toString();
          expect(text).toContain('"listener":"clients"');
        },
        { timeout: 10_000, interval: 20 },
      );
      try {
        for (;;) writeSync(own, filling);
      } catch {
        /* full again */
      }
      gateway.kill("SIGTERM");
      expect(await exit).toEqual([0, null]);
    } finally {
      gateway.kill("SIGKILL");
      closeSync(own);
      await ocs.close();
      await rm(dir, { recursive: true });
    }
  },
);
