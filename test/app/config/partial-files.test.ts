/**
 * Files that are written in place, with a pause: the first part may be well-formed, and the gateway does not apply it.
 */
import { createHash } from "node:crypto";
import { appendFile, mkdir, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { stringify } from "yaml";
import type { Reloaded } from "../../../src/app/reload-outcome.ts";
import { keepReloading } from "../../../src/cli/run.ts";
import { aGateway, basic, keyFor, twoTenants, type TestGateway } from "../../kit/gateway.ts";
import { rawOcs, type RawOcs } from "../../kit/raw-ocs.ts";

type Config = ReturnType<typeof twoTenants>;
type Watch = "all" | "keys-and-certificates" | "none";

let ocs: RawOcs;
let gateway: TestGateway;
let stopWatching: () => Promise<void>;

const STABLE_MS = 1500;
const PATIENCE = { timeout: 40_000, interval: 50 };

const configOf = (watch: Watch, change: (config: Config) => void = () => undefined): Config => {
  const config = { ...twoTenants(ocs.url), config: { watch } };
  change(config);
  return config;
};
const textOf = (config: Config): string => stringify(config, { aliasDuplicateObjects: false });
const at = (name: string): string => join(gateway.dir, name);

const begin = async (watch: Watch, change?: (config: Config) => void, stableMs = STABLE_MS): Promise<Reloaded[]> => {
  ocs = await rawOcs();
  gateway = await aGateway(configOf(watch, change), undefined, undefined, { stableMs });
  const outcomes: Reloaded[] = [];
  const { gateway: running } = gateway;
  stopWatching = await keepReloading({
    reload: async (options) => {
      const reloaded = await running.reload(options);
      outcomes.push(reloaded);
      return reloaded;
    },
    get files() {
      return running.files;
    },
    get config() {
      return running.config;
    },
    get watch() {
      return running.watch;
    },
  });
  return outcomes;
};
afterEach(async () => {
  await stopWatching();
  await gateway.stop();
  await ocs.close();
});

const ask = async (as: string): Promise<number> => {
  const answer = await fetch(`${gateway.url}/phones/4155550100?req=DoNotCall`, {
    method: "POST",
    headers: { authorization: basic(as) },
  });
  await answer.arrayBuffer();
  return answer.status;
};
const rowOf = (client: string): string =>
  `  - { id: ${client}, client: ${client}, hash: ` +
  `sha256:${createHash("sha256").update(keyFor(client)).digest("hex")}, created: 2026-01-01T00:00:00Z }\n`;
const HEAD = "version: 1\nkeys:\n";

/** Writes in place; the second part follows once the gateway has seen the first. */
const inParts = async (file: string, text: string, cut: number, seen: () => Promise<void>): Promise<void> => {
  const handle = await open(file, "w");
  try {
    await handle.write(text.slice(0, cut));
    await seen();
    await handle.write(text.slice(cut));
  } finally {
    await handle.close();
  }
};
const isWaiting = (outcomes: readonly Reloaded[]) => (): Promise<void> =>
  vi.waitFor(() => expect(outcomes.at(-1)?.outcome).toBe("waiting"), PATIENCE);

describe("a file that is written in place, with a pause", { timeout: 120_000 }, () => {
  it.each<[string, Watch, (outcomes: Reloaded[]) => Promise<void>]>([
    [
      "the config file, whose tenants come last",
      "all",
      async (outcomes) => {
        const { tenants, ...rest } = configOf("all");
        const text = textOf({ ...rest, tenants });
        await inParts(at("ocsgw.yaml"), text, text.indexOf("  - name: Beta Tenant"), isWaiting(outcomes));
      },
    ],
    [
      "the keys file",
      "keys-and-certificates",
      async (outcomes) => {
        const text = `${HEAD}${rowOf("alpha")}${rowOf("beta")}`;
        await inParts(at("keys.yaml"), text, text.length - rowOf("beta").length, isWaiting(outcomes));
      },
    ],
    [
      "the keys file, written again after the old one was moved away",
      "keys-and-certificates",
      async (outcomes) => {
        const text = `${HEAD}${rowOf("alpha")}${rowOf("beta")}`;
        await rename(at("keys.yaml"), at("keys.yaml~"));
        await inParts(at("keys.yaml"), text, text.length - rowOf("beta").length, isWaiting(outcomes));
      },
    ],
  ])("is not applied in part: %s", async (_what, watch, write) => {
    const outcomes = await begin(watch);
    expect(await ask("beta")).toBe(200);
    const asked = setInterval(
      () =>
        void ask("beta").then(
          (status) => statuses.add(status),
          () => undefined,
        ),
      20,
    );
    const statuses = new Set<number>();
    await write(outcomes);
    await vi.waitFor(() => expect(outcomes.at(-1)?.outcome).not.toBe("waiting"), PATIENCE);
    clearInterval(asked);
    expect([...statuses]).toEqual([200]);
    expect(outcomes.find(({ outcome }) => outcome === "waiting")).toMatchObject({
      removes: expect.arrayContaining([expect.stringMatching(/Beta Tenant|key beta/)]) as string[],
    });
    expect(await ask("beta")).toBe(200);
  });

  it("is applied once it stays unchanged for a while, and at once on ocsgw reload", async () => {
    const outcomes = await begin("keys-and-certificates");
    await writeFile(at("keys.yaml"), `${HEAD}${rowOf("alpha")}`);
    await vi.waitFor(async () => expect(await ask("beta")).toBe(401), PATIENCE);
    expect(outcomes.map(({ outcome }) => outcome)).toContain("waiting");
    await writeFile(at("keys.yaml"), `${HEAD}${rowOf("beta")}`);
    await isWaiting(outcomes)();
    expect(await gateway.gateway.reload()).toMatchObject({ outcome: "reloaded", by: "reload" });
    expect([await ask("alpha"), await ask("beta")]).toEqual([401, 200]);
  });

  it("is not applied in part when another file is renamed into place meanwhile", async () => {
    const outcomes = await begin("all", undefined, 3_600_000);
    const { tenants, ...rest } = configOf("all");
    const text = textOf({ ...rest, tenants });
    await inParts(at("ocsgw.yaml"), text, text.indexOf("  - name: Beta Tenant"), async () => {
      await isWaiting(outcomes)();
      const seen = outcomes.length;
      await writeFile(at("keys.new"), `${HEAD}${rowOf("alpha")}${rowOf("beta")}${rowOf("gamma")}`);
      await rename(at("keys.new"), at("keys.yaml"));
      await vi.waitFor(() => expect(outcomes.length).toBeGreaterThan(seen), PATIENCE);
      expect(outcomes.at(-1)).toMatchObject({ outcome: "waiting", removes: ["tenant Beta Tenant"] });
      expect(await ask("beta")).toBe(200);
    });
    await vi.waitFor(() => expect(outcomes.at(-1)?.outcome).toBe("reloaded"), PATIENCE);
    expect(await ask("beta")).toBe(200);
  });

  it("is applied at once when it is renamed into place", async () => {
    const outcomes = await begin("keys-and-certificates", undefined, 3_600_000);
    await writeFile(at("keys.new"), `${HEAD}${rowOf("alpha")}`);
    await rename(at("keys.new"), at("keys.yaml"));
    await vi.waitFor(async () => expect(await ask("beta")).toBe(401), PATIENCE);
    expect(outcomes.map(({ outcome }) => outcome)).not.toContain("waiting");
  });

  it("is read again until two readings find the same content", async () => {
    await begin("none");
    const text = textOf(
      configOf("none", (config) => {
        (config.tenants[0] as Record<string, unknown>)["share"] = 2;
      }),
    );
    await writeFile(at("ocsgw.yaml"), text);
    const writing = setInterval(() => void appendFile(at("ocsgw.yaml"), "# more\n"), 10);
    setTimeout(() => clearInterval(writing), 1000);
    const reloaded = await gateway.gateway.reload();
    clearInterval(writing);
    expect(reloaded).toMatchObject({ outcome: "reloaded" });
    expect(gateway.gateway.configHash).toBe(
      createHash("sha256")
        .update(await readFile(at("ocsgw.yaml")))
        .digest("hex"),
    );
  });
});

describe("the end marker", { timeout: 120_000 }, () => {
  const marked = (config: Config): string => `${textOf(config)}end: true\n`;

  it("is required if the last config had it: ocsgw reload rejects a well-formed part without it", async () => {
    await begin("none");
    await writeFile(at("ocsgw.yaml"), marked(configOf("none")));
    expect(await gateway.gateway.reload()).toMatchObject({ outcome: "reloaded" });
    const { tenants, ...rest } = configOf("none");
    const text = marked({ ...rest, tenants });
    await writeFile(at("ocsgw.yaml"), text.slice(0, text.indexOf("  - name: Beta Tenant")));
    expect(await gateway.gateway.reload()).toMatchObject({
      outcome: "refused",
      problems: [
        {
          code: "OCSGW-6351",
          message: expect.stringContaining("it ended with `end: true` when it was last loaded") as string,
        },
      ],
    });
    expect(await ask("beta")).toBe(200);
  });

  it("is required in files of tenants.d too, if config.end_marker is set", async () => {
    await begin("none");
    const config = configOf("none", (next) => {
      next["config"] = { watch: "none", end_marker: true };
    });
    const [alpha, beta] = config.tenants;
    await writeFile(at("ocsgw.yaml"), marked({ ...config, tenants: [alpha] }));
    await mkdir(at("tenants.d"));
    await writeFile(at("tenants.d/beta.yaml"), stringify({ tenants: [beta] }));
    expect(await gateway.gateway.reload()).toMatchObject({
      outcome: "refused",
      problems: [
        {
          code: "OCSGW-6351",
          file: at("tenants.d/beta.yaml"),
          message: expect.stringContaining("config.end_marker requires `end: true`") as string,
        },
      ],
    });
    await writeFile(at("tenants.d/beta.yaml"), stringify({ tenants: [beta], end: true }));
    expect(await gateway.gateway.reload()).toMatchObject({ outcome: "reloaded" });
  });

  it("is required in the keys file too, if the last keys file had it", async () => {
    await begin("none");
    const text = `${HEAD}${rowOf("alpha")}${rowOf("beta")}end: true\n`;
    await writeFile(at("keys.yaml"), text);
    expect(await gateway.gateway.reload()).toMatchObject({ outcome: "reloaded" });
    await writeFile(at("keys.yaml"), text.slice(0, -rowOf("beta").length - "end: true\n".length));
    expect(await gateway.gateway.reload()).toMatchObject({
      outcome: "refused",
      problems: [{ code: "OCSGW-6351", file: at("keys.yaml") }],
    });
    expect(await ask("beta")).toBe(200);
  });
});

describe("config.watch", { timeout: 120_000 }, () => {
  const withShare = (watch: Watch): Config =>
    configOf(watch, (config) => {
      (config.tenants[0] as Record<string, unknown>)["share"] = 2;
    });

  it("keys-and-certificates applies changed keys by itself, and a changed config only on ocsgw reload", async () => {
    const outcomes = await begin("keys-and-certificates");
    const before = gateway.gateway.configHash;
    await writeFile(at("ocsgw.yaml"), "this: is not valid\n");
    await writeFile(at("keys.yaml"), `${HEAD}${rowOf("alpha")}${rowOf("beta")}${rowOf("gamma")}`);
    await vi.waitFor(() => expect(outcomes.at(-1)).toMatchObject({ outcome: "reloaded", by: "watcher" }), PATIENCE);
    expect(gateway.gateway.configHash).toBe(before);
    await writeFile(at("ocsgw.yaml"), textOf(withShare("keys-and-certificates")));
    expect(outcomes).toHaveLength(1);
    expect(await gateway.gateway.reload()).toMatchObject({
      outcome: "reloaded",
      changes: ["Alpha Tenant: share 1 -> 2"],
    });
  });

  it("all applies changes of the config file and of tenants.d, including a new file there", async () => {
    const outcomes = await begin("all");
    const before = gateway.gateway.configHash;
    const [, beta] = configOf("all").tenants;
    await mkdir(at("tenants.d"));
    await writeFile(
      at("tenants.d/gamma.yaml"),
      stringify([
        {
          ...(beta as object),
          name: "Gamma Tenant",
          dbid: 103,
          clients: {},
          campaigns: [],
          campaign_groups: [],
          lists: [],
        },
      ]),
    );
    await vi.waitFor(
      () =>
        expect(outcomes.at(-1)).toMatchObject({
          outcome: "reloaded",
          changes: ["tenant Gamma Tenant (103) added on ocs"],
        }),
      PATIENCE,
    );
    // The file may be half copied or deleted, so the reload waits.
    await rm(at("tenants.d/gamma.yaml"));
    await isWaiting(outcomes)();
    expect(gateway.gateway.configHash).not.toBe(before);
    await vi.waitFor(() => expect(gateway.gateway.configHash).toBe(before), PATIENCE);
  });

  it("none applies no change until ocsgw reload", async () => {
    const outcomes = await begin("none");
    await writeFile(at("keys.yaml"), `${HEAD}${rowOf("alpha")}`);
    await writeFile(at("ocsgw.yaml"), textOf(withShare("none")));
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(outcomes).toEqual([]);
    expect(await ask("beta")).toBe(200);
    expect(await gateway.gateway.reload()).toMatchObject({ outcome: "reloaded" });
    expect(await ask("beta")).toBe(401);
  });
});
