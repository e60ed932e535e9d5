/**
 * A file whose file system does not answer, as on a mount whose server is gone: a reload says so, and the next is done.
 */
import { spawnSync } from "node:child_process";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { stringify } from "yaml";
import { aConfigured, basic, twoTenants } from "../kit/gateway.ts";
import { startGateway, type GatewayProcess } from "../kit/gateway-process.ts";
import { describeAllowed, programOf } from "../kit/machine.ts";
import { rawOcs } from "../kit/raw-ocs.ts";

const strace = programOf("strace");
const canTrace = strace !== undefined && spawnSync(strace, ["-f", "-qq", "-o", "/dev/null", "true"]).status === 0;

type Map = Record<string, unknown>;
const WHAT = ["keys file", "certificate"] as const;
/** Longer than a file system may take to answer, and than all that is asked meanwhile. */
const HANGS_MICROS = 15_000_000;

type Begun = {
  readonly gateway: GatewayProcess;
  readonly config: (over?: Map) => Map;
  readonly dir: string;
  readonly write: (next: Map) => Promise<void>;
};

/** With `slow.pem`, which nobody can open for a while. */
const begin = async (ocs: string, more: Map = {}): Promise<Begun> => {
  const config = (over: Map = {}): Map => ({ ...twoTenants(ocs), admin: { bind: "127.0.0.1:0" }, ...more, ...over });
  const dir = await aConfigured(config() as ReturnType<typeof twoTenants>, ["alpha", "beta"]);
  const slow = join(dir, "slow.pem");
  await writeFile(slow, "version: 1\nkeys: []\n");
  const delay = `inject=openat:delay_enter=${HANGS_MICROS}`;
  const by = [strace!, "-f", "-qq", "-o", "/dev/null", "-P", slow, "-e", "trace=openat", "-e", delay];
  const write = async (next: Map): Promise<void> => {
    await writeFile(join(dir, "next"), stringify(next, { aliasDuplicateObjects: false }));
    await rename(join(dir, "next"), join(dir, "ocsgw.yaml"));
  };
  return { gateway: await startGateway(join(dir, "ocsgw.yaml"), { by }), config, dir, write };
};

describeAllowed(canTrace, "strace that may trace", "a gateway whose config names a file that hangs", () => {
  it.each(WHAT)("goes on, says which, and reads the next config: %s", { timeout: 120_000 }, async (what) => {
    const ocs = await rawOcs();
    const { gateway, config, dir, write } = await begin(ocs.url);
    const admin = /"listener":"admin","address":"([^"]+)"/.exec(gateway.log())![1]!;
    const reload = async (): Promise<unknown> => {
      const token = (await readFile(join(dir, "audit/admin.token"), "utf8")).trim();
      const headers = { authorization: `Bearer ${token}` };
      return (await fetch(`${admin}/api/reload`, { method: "POST", headers })).json();
    };
    const serves = async (): Promise<number> => {
      const to = `http://127.0.0.1:${gateway.port}/phones/4155550100?req=DoNotCall`;
      return (await fetch(to, { method: "POST", headers: { authorization: basic("alpha") } })).status;
    };
    try {
      await write(
        what === "keys file"
          ? config({ identity: { keys: { file: "slow.pem" } } })
          : config({ listeners: [{ name: "new", bind: "127.0.0.1:0", tls: { cert: "slow.pem", key: "slow.pem" } }] }),
      );
      const hung = reload();
      expect(await serves()).toBe(200);
      const result = await hung;
      const says = `${join(dir, "slow.pem")} is not read: the file system does not answer`;
      expect(result).toMatchObject({
        outcome: "refused",
        problems: [{ message: expect.stringContaining(says) as string }],
      });
      // It still hangs.
      await write(config({ tenants: [{ ...(config()["tenants"] as Map[])[0]!, share: 2 }] }));
      expect(await reload()).toMatchObject({ outcome: "reloaded" });
      expect(await serves()).toBe(200);
    } finally {
      await gateway.end("SIGTERM");
      await ocs.close();
      await rm(dir, { recursive: true });
    }
  });

  it("stops on a signal, and waits for no reading", { timeout: 60_000 }, async () => {
    const ocs = await rawOcs();
    const { gateway, config, dir, write } = await begin(ocs.url, { config: { watch: "all" } });
    try {
      await write(config({ identity: { keys: { file: "slow.pem" } } }));
      // The watcher sees it within a second, and then its reading hangs.
      await new Promise((resolve) => setTimeout(resolve, 2000));
      const gone = gateway.end("SIGTERM");
      await vi.waitFor(() => expect(gateway.log()).toMatch(/"event":"stopped"/), { timeout: 3000 });
      expect(gateway.log()).not.toContain("is not read");
      await gone;
    } finally {
      await gateway.end("SIGKILL");
      await ocs.close();
      await rm(dir, { recursive: true });
    }
  });
});
