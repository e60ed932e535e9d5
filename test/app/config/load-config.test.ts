import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readChecked } from "../../../src/app/config/load-config.ts";
import { readOnThread, readFirst } from "../../../src/app/config/config-thread.ts";
import { mutated, SAMPLE } from "../../settings/kit.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "ocsgw-reading-"));
  await writeFile(join(directory, "keys.yaml"), "version: 1\nkeys: []\n");
});
afterAll(() => rm(directory, { recursive: true }));

const tenants = (count: number): string =>
  Array.from(
    { length: count },
    (_, at) => `  - name: Tenant ${at}
    dbid: ${1000 + at}
    upstream: ocs-main
    clients: { client-${at}: { actions: [AddRecord, DoNotCall, ReadStatus] } }
    campaigns: [Campaign ${at}]
    campaign_groups: [{ dbid: ${200_000 + at}, name: "Campaign ${at}@Agents ${at}" }]
    lists: [List ${at}]
    records: unscoped
`,
  ).join("");
const large = (...changes: readonly (readonly [string, string])[]): string =>
  mutated(["\naudit:\n", `\n${tenants(400)}\naudit:\n`], ...changes);

const file = async (text: string): Promise<string> => {
  const path = join(directory, "ocsgw.yaml");
  await writeFile(path, text);
  return path;
};

/** The longest time, in nanoseconds, for which the event loop was blocked. */
const longestWait = async (run: () => Promise<unknown>): Promise<number> => {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await run();
  await new Promise((resolve) => setTimeout(resolve, 20));
  delay.disable();
  return delay.max;
};

describe("a large config file that a worker thread reads", () => {
  it(
    "gives the same settings as on the main thread, and blocks requests for less time",
    { timeout: 120_000, retry: 2 },
    async () => {
      const asked = { file: await file(large()) };
      const here = await readChecked(asked);
      expect(here).toMatchObject({ ok: true });
      const { kept, ...aside } = await readOnThread(asked);
      expect(aside).toEqual(here);
      expect(kept?.packed).toBeInstanceOf(SharedArrayBuffer);
      expect(await longestWait(() => readOnThread(asked))).toBeLessThan(
        (await longestWait(() => readChecked(asked))) / 2,
      );
    },
  );

  it("is rejected with the same problems as on the main thread", { timeout: 120_000 }, async () => {
    const asked = { file: await file(large(["expect: OCSGW-2103", "expect: allow"])) };
    const aside = await readOnThread(asked);
    expect(aside).toMatchObject({ ok: false, problems: [{ code: "OCSGW-6272", path: "tests[1].expect" }] });
    expect(aside).toEqual(await readChecked(asked));
  });
});

describe("a second reading of the config", () => {
  it(
    "replaces only the tenants that changed, and keeps the others as the same objects in the new order",
    { timeout: 120_000 },
    async () => {
      const path = await file(large());
      const first = await readOnThread({ file: path });
      if (!first.ok) throw new Error("not valid");
      const {
        settings: { tenants: before },
        keys,
      } = first;
      // One tenant is changed, one is removed, one is added, and two have swapped places.
      const changed = large()
        .replace("dbid: 1005\n", "dbid: 9005\n")
        .replace(/ {2}- name: Tenant 7\n(?: {4}.*\n)+/, "")
        .replace(
          "  - name: Tenant 0\n",
          `${tenants(1)
            .replace("Tenant 0", "Newcomer")
            .replace("1000", "9000")
            .replaceAll(/(Campaign|List|Agents) 0/g, "$1 N")
            .replace("200000", "300000")}  - name: Tenant 0\n`,
        );
      await writeFile(path, changed);
      const second = await readOnThread({ file: path, kept: first.kept }, { tenants: before, keys });
      if (!second.ok) throw new Error(JSON.stringify(second.problems));
      expect({ ...second, kept: undefined }).toEqual(await readChecked({ file: path }));
      const old = new Set(before);
      expect(second.settings.tenants.filter((tenant) => !old.has(tenant)).map(({ name }) => name)).toEqual([
        "Newcomer",
        "Tenant 5",
      ]);
      expect(second.settings.tenants).toHaveLength(before.length);
    },
  );

  it("with scope files keeps the config in force, whatever is on disk", { timeout: 120_000 }, async () => {
    const path = await file(SAMPLE);
    const first = await readFirst({ file: path });
    if (!first.ok) throw new Error("not valid");
    await writeFile(path, "nonsense");
    const hash = `sha256:${"0".repeat(64)}`;
    await writeFile(
      join(directory, "keys.yaml"),
      `version: 1\nkeys:\n  - { id: k, client: alpha-ors, hash: ${hash}, created: 2026-01-01T00:00:00Z }\n`,
    );
    const second = await readOnThread(
      { file: path, kept: first.kept, scope: "files" },
      { tenants: first.settings.tenants, keys: first.keys },
    );
    expect(second).toMatchObject({ ok: true, hash: first.hash, keys: [{ id: "k", hash }] });
    expect(second.ok && second.settings.tenants.every((tenant, at) => tenant === first.settings.tenants[at])).toBe(
      true,
    );
    await writeFile(join(directory, "keys.yaml"), "version: 1\nkeys: []\n");
  });
});

describe("a reading that is compared with the config in force", () => {
  const before = async (): Promise<Extract<Awaited<ReturnType<typeof readChecked>>, { ok: true }>["settings"]> => {
    const first = await readChecked({ file: await file(SAMPLE) });
    if (!first.ok) throw new Error("not valid");
    return first.settings;
  };

  it.each([
    ["the interval of checkpoints", "every: 60s", "every: 90s", "audit.checkpoint"],
    ["the durability", "audit:\n", "audit:\n  durability: os\n", "audit.durability"],
    ["the disk timeout", "audit:\n", "audit:\n  disk_timeout: 1s\n", "audit.disk_timeout"],
    ["the admin listener by removing it", "admin: { bind: 127.0.0.1:9640 }\n", "", "admin"],
    ["TLS at the same address", "    tls: none\n", "    tls: { cert: c, key: k }\n", undefined],
  ])("is rejected at the line that changes %s", async (_what, from, to, path) => {
    const checked = await readChecked({ before: await before(), file: await file(mutated([from, to])) });
    expect(checked.ok).toBe(false);
    if (path !== undefined)
      expect(checked).toMatchObject({
        problems: [
          {
            code: "OCSGW-6281",
            path,
            message: `${path} cannot change while the gateway runs; the change needs a restart`,
          },
        ],
      });
  });

  it("may change journal settings that apply to each entry", async () => {
    expect(
      await readChecked({
        before: await before(),
        file: await file(
          mutated(
            ["phone: last4", "phone: token"],
            ["-for-a-trial-only-not-a-secret-at-all", "-another-one-for-a-trial-and-not-a-secret"],
          ),
        ),
      }),
    ).toMatchObject({ ok: true });
  });
});
