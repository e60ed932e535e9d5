/** A gateway and its shared database: the start, what people see of it, and `check --connect` and `ocsgw nodes`. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { ClusterUnavailable, startCluster, type Cluster } from "../../../../src/app/wiring/cluster/cluster.ts";
import { LastEntry, startKeys, type Keys } from "../../../../src/app/wiring/idempotency/keys.ts";
import { Counts } from "../../../../src/admin/counters.ts";
import { AUTH_FAILURES } from "../../../../src/identity/credentials.ts";
import type { Journal } from "../../../../src/journal/journal.ts";
import { runShutdown, type ShutdownSteps } from "../../../../src/app/shutdown.ts";
import { sharedRows } from "../../../../src/cli/check/connect/shared.ts";
import { nodes } from "../../../../src/cli/nodes.ts";
import { NameInUse } from "../../../../src/cluster/membership.ts";
import { whyTooOld } from "../../../../src/cluster/schema/migrate.ts";
import type { Settings } from "../../../../src/settings/schema/schema.ts";
import { mutated, read } from "../../../settings/kit.ts";
import { describeWithPostgres, POSTGRES_URL, testSchema } from "../../../kit/postgres.ts";

it.each<[string, number | null, boolean]>([
  ["only adds", null, false],
  ["needs one that this version knows", 1, false],
  ["needs a newer one", 9, true],
])("an unknown migration that %s", (_what, needs, isTooOld) => {
  const why = whyTooOld([{ name: "later", needs }], [{ version: 1, name: "nodes", sql: "" }]);
  expect(why !== undefined).toBe(isTooOld);
});

describeWithPostgres("a gateway with a shared database", async () => {
  const { schema, open } = await testSchema();
  const dir = await mkdtemp(join(tmpdir(), "ocsgw-cluster-"));
  const stops: ShutdownSteps = [];
  afterAll(async () => {
    await runShutdown(stops);
    await rm(dir, { recursive: true });
  });
  const text = (node: string, url = POSTGRES_URL, name = schema): string =>
    mutated([
      "# config: { watch: all }",
      `node: ${node}\nshared: { postgres: "${url}", schema: ${name}, tls: none, statement_timeout: 1s }`,
    ]);
  const settingsOf = (node: string, url?: string, name?: string): Settings => {
    const loaded = read(text(node, url, name));
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    return loaded.settings;
  };
  const alarms = { raise: () => undefined, raiseOngoing: () => undefined };
  const start = (settings: Settings, steps = stops): Promise<Cluster | undefined> =>
    startCluster(settings, { alarms, onReplaced: () => undefined }, steps);
  const journaled: string[] = [];
  let canJournal = true;
  const ask = async (options: { json?: boolean; forget?: string } = {}, config = text("reader")) => {
    const file = join(dir, "ocsgw.yaml");
    await writeFile(file, config);
    await writeFile(join(dir, "keys.yaml"), "version: 1\nkeys: []\n", { mode: 0o600 });
    const said: string[] = [];
    const write = (line: string): void => void said.push(line);
    const host = { stdout: { write }, stderr: { write }, env: {} } as unknown as Parameters<typeof nodes>[1];
    const exit = await nodes({ config: file, ...options }, host, (_, purpose) => {
      journaled.push(purpose);
      return Promise.resolve(canJournal ? {} : 5);
    });
    return { exit, said: said.join("") };
  };

  it("joins, is seen by the others, and gives up its name when it stops", async () => {
    const steps: ShutdownSteps = [];
    const [one, two] = [await start(settingsOf("one")), await start(settingsOf("two"), steps)];
    two!.membership.tell("admin", { address: "https://two:9640" });
    two!.membership.tell("ownership", { ocs: 7 });
    two!.membership.tell("lanes", { ocs: 2 });
    await open().query({ text: "INSERT INTO log_head (log, seq) VALUES ('ownership:ocs', 9)" });
    await two!.membership.beat();
    await one!.membership.beat();
    const reply = one!.facts.state();
    expect(reply).toMatchObject({ self: "one", leased: true, database: true });
    expect(reply.nodes.map(({ node, state, lanes, lag, admin }) => [node, state, lanes, lag, admin])).toEqual([
      ["one", "live", undefined, undefined, undefined],
      ["two", "live", 2, 2, "https://two:9640"],
    ]);
    expect([...one!.facts.metrics.nodes()]).toEqual([
      ["live", 2],
      ["dead", 0],
      ["stopped", 0],
    ]);
    expect([one!.facts.metrics.isUp(), one!.facts.troubles()]).toEqual([true, []]);
    await expect(start(settingsOf("one"))).rejects.toThrow(NameInUse);
    await runShutdown(steps);
    const { exit, said } = await ask({ json: true });
    expect(exit).toBe(0);
    expect((JSON.parse(said) as { node: string; state: string }[]).map(({ node, state }) => [node, state])).toEqual([
      ["one", "live"],
      ["two", "stopped"],
    ]);
    expect((await ask()).said).toMatch(/^NODE +STATE +VERSION .*\none +live .*\ntwo +stopped .*\n$/s);
    expect(await ask({ forget: "one" })).toEqual({
      exit: 1,
      said: "the node one lives and cannot be removed; stop it first\n",
    });
    canJournal = false;
    expect(await ask({ forget: "two" })).toEqual({ exit: 5, said: "" });
    canJournal = true;
    expect(await ask({ forget: "two" })).toEqual({ exit: 0, said: "the node two is removed from the list\n" });
    expect(await ask({ forget: "two" })).toEqual({ exit: 1, said: "there is no node two\n" });
    expect(journaled).toEqual(["node two", "node two"]);
  });

  it("keeps idempotency keys for all gateways, unless their index keys differ", async () => {
    const steps: ShutdownSteps = [];
    const journal = {
      dir,
      believed: () => ({ now: Date.now() * 1000, doubt: undefined, ran: 0 }),
    } as unknown as Journal;
    const keysOf = async (node: string): Promise<Keys> => {
      const settings = settingsOf(node);
      const cluster = await start(settings, steps);
      return startKeys(
        settings,
        { journal, counts: new Counts(AUTH_FAILURES), lastEntry: new LastEntry(), cluster },
        steps,
      );
    };
    const [one, two] = [await keysOf("keys-1"), await keysOf("keys-2")];
    const request = { upstream: "ocs", tenant: 101, client: "alpha", key: "k", request: "POST /lists" };
    const secret = "an index key for tests only, 32+";
    const first = await one.claimerFor(secret)({ ...request, id: "first" });
    expect(first.kind).toBe("held");
    const atTwo = two.claimerFor(secret);
    expect(await atTwo({ ...request, id: "second" })).toMatchObject({ kind: "running", first: "first" });
    if (first.kind === "held") await first.key.settle({ state: "unknown", refusal: "no-answer", detail: "" });
    expect(await atTwo({ ...request, id: "third" })).toMatchObject({ kind: "unknown", first: "first" });
    const fault = "audit.index_key, epoch t1: the secret is not the one of the node keys-1";
    await expect(two.claimerFor(`${secret}!`)({ ...request, id: "fourth" })).rejects.toThrow(fault);
    expect([one.trouble(), two.trouble()]).toEqual([undefined, expect.stringContaining(fault)]);
    await runShutdown(steps);
  });

  it("tells people when its database does not answer", async () => {
    const steps: ShutdownSteps = [];
    const cluster = await start(settingsOf("cut"), steps);
    const database = open();
    await database.query({ text: "ALTER TABLE node RENAME TO away" });
    await cluster!.membership.beat();
    expect(cluster!.facts.metrics.isUp()).toBe(false);
    expect(cluster!.facts.troubles()[0]).toMatch(/^the shared database \w+ at .* does not answer: /);
    await database.query({ text: "ALTER TABLE away RENAME TO node" });
    await cluster!.membership.beat();
    expect(cluster!.facts.metrics.isUp()).toBe(true);
    await runShutdown(steps);
  });

  it("does not start without its database, and names all but the password", async () => {
    const steps: ShutdownSteps = [];
    const error = await start(settingsOf("lost", "postgresql://gw:hidden@127.0.0.1:1/ocs"), steps).catch(
      (caught: unknown) => caught,
    );
    await runShutdown(steps);
    expect(error).toBeInstanceOf(ClusterUnavailable);
    expect((error as Error).message).toBe(
      "cannot use the shared database ocs at 127.0.0.1:1 as user gw: no connection to 127.0.0.1:1: connection refused",
    );
    expect(await ask({}, text("lost", "postgresql://gw:hidden@127.0.0.1:1/ocs"))).toEqual({
      exit: 5,
      said: expect.stringMatching(/^cannot read the nodes from the shared database ocs .*connection refused\n$/),
    });
  });

  it("does not start where a newer version has changed the tables", async () => {
    const database = open();
    await database.query({ text: "INSERT INTO migration (version, name, needs) VALUES (900, 'much-later', 900)" });
    const steps: ShutdownSteps = [];
    await expect(start(settingsOf("old"), steps)).rejects.toThrow(/much-later.*upgrade this gateway/);
    await runShutdown(steps);
    const [row] = await sharedRows(settingsOf("old"));
    expect(row).toMatchObject({ state: "fail", says: expect.arrayContaining([expect.stringMatching(/upgrade/)]) });
    await database.query({ text: "UPDATE migration SET needs = NULL WHERE version = 900" });
    await (await start(settingsOf("old"), steps))!.membership.leave();
    await runShutdown(steps);
    await database.query({ text: "DELETE FROM migration WHERE version = 900" });
  });

  it.each<[string, () => Settings, string, RegExp]>([
    ["a database with tables", () => settingsOf("free"), "ok", /PostgreSQL \d+.*, no TLS, round trip .* ms/],
    ["a name in use", () => settingsOf("one"), "note", /node one is running, version/],
    [
      "a schema that is not there yet",
      () => settingsOf("free", POSTGRES_URL, `${schema}_none`),
      "ok",
      /the first gateway that starts creates them/,
    ],
    ["no server", () => settingsOf("free", "postgresql://gw:hidden@127.0.0.1:1/ocs"), "fail", /connection refused/],
  ])("check --connect tells of %s", async (_what, settings, state, says) => {
    const [row] = await sharedRows(settings());
    expect([row!.state, row!.says.join("\n")]).toEqual([state, expect.stringMatching(says)]);
    expect(row!.says.join("\n")).not.toContain("hidden");
  });
});
