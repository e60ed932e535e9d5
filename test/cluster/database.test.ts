import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DatabaseUnavailable, SharedDatabase, type DatabaseOptions } from "../../src/cluster/database.ts";
import { parseDatabaseAddress } from "../../src/cluster/database-address.ts";
import { unavailableFor } from "../../src/cluster/database-unavailable.ts";
import { Pool } from "../../src/cluster/pool.ts";
import { hasOwnPostgres, ownPostgres, type OwnPostgres } from "../kit/own-postgres.ts";

describe("the address of the shared database", () => {
  it.each<[string, unknown]>([
    [
      "postgresql://gw@db/ocs",
      { hosts: [{ host: "db", port: 5432 }], database: "ocs", user: "gw", password: undefined },
    ],
    [
      "postgres://gw:a/b@c:d@[::1]:6000,db-2.example:6001/ocs%20gw",
      {
        hosts: [
          { host: "::1", port: 6000 },
          { host: "db-2.example", port: 6001 },
        ],
        database: "ocs gw",
        user: "gw",
        password: "a/b@c:d",
      },
    ],
    [
      "postgresql://g%40w:p%25@127.0.0.1/o",
      { hosts: [{ host: "127.0.0.1", port: 5432 }], database: "o", user: "g@w", password: "p%" },
    ],
  ])("%s is read", (text, parts) => {
    expect(parseDatabaseAddress(text)).toEqual(parts);
  });

  it.each<[string, RegExp]>([
    ["postgresql://gw:s3cret@db/o?sslmode=require", /without the parameter sslmode: set shared\.tls/],
    ["postgresql://gw:s3cret@db/o?options=-c%20x", /without the parameter options: set shared\.schema/],
    ["postgresql://gw:s3cret@db/o?application_name=x", /without the parameter application_name$/],
    ["postgresql://gw:s3cret@db/o?s3cret", /^an address without \? and parameters$/],
    ["postgresql://gw:s3cret@db/o/p", /name of one database/],
    ["postgresql://gw:s3cret@/o", /host name or IP address/],
    ["postgresql://gw:s3cret@db:0/o", /port up to 65535/],
    ["postgresql://gw:s3cret@db,,db2/o", /host name or IP address/],
    ["postgresql://:s3cret@db/o", /a user before the host/],
    ["postgresql:///o?host=/var/run", /a user before the host/],
    ["postgresql://gw:s3cret%@db/o", /%25 for each %/],
  ])("%s is rejected, without its password", (text, fault) => {
    const parsed = parseDatabaseAddress(text);
    expect(parsed).toEqual({ fault: expect.stringMatching(fault) });
    expect(JSON.stringify(parsed)).not.toContain("s3cret");
  });
});

describe("an error of the database", () => {
  const withCode = (code: string): pg.DatabaseError =>
    Object.assign(new pg.DatabaseError("said by the server", 1, "error"), { code });

  it.each<[string, string, boolean]>([
    ["08P01", "connection poolers are not supported", true],
    ["25006", "the server is read-only", false],
    ["28P01", "rejects the user, the password", false],
    ["3D000", "no such database", false],
    ["40001", "cannot carry out the statement now", false],
    ["40003", "cannot carry out the statement now", true],
    ["53100", "no space is left on the server's disk", false],
    ["53300", "too many connections", false],
    ["55P03", "cannot carry out the statement now", false],
    ["57014", "did not end in time", false],
    ["57P01", "stopping or starting", true],
    ["58030", "reports an error", false],
  ])("%s is unavailability in words, and says whether the statement may have happened", (code, words, may) => {
    const error = unavailableFor(withCode(code), true);
    expect(error).toBeInstanceOf(DatabaseUnavailable);
    expect((error as Error).message).toContain(words);
    expect((error as DatabaseUnavailable).mayHaveHappened).toBe(may);
    expect(unavailableFor(withCode(code), false)).toHaveProperty("mayHaveHappened", false);
  });

  it.each(["23505", "42P01", "22P02"])("%s is a defect and stays as it is", (code) => {
    const error = withCode(code);
    expect(unavailableFor(error, true)).toBe(error);
  });
});

describe("the pool", () => {
  it("tries one connection at a time, and fails all that wait with it", async () => {
    let [attempts, now] = [0, 0];
    const refused = new DatabaseUnavailable("refused", false);
    const connector = {
      connect: async (): Promise<never> => {
        attempts++;
        await Promise.resolve();
        throw refused;
      },
    };
    const pool = new Pool(connector, { most: 4, patience: 1000, now: () => now });
    const all = await Promise.allSettled(Array.from({ length: 500 }, () => pool.take()));
    expect([attempts, all.every(({ status }) => status === "rejected")]).toEqual([1, true]);
    await expect(pool.take()).rejects.toBe(refused);
    expect(attempts).toBe(1);
    now = 100;
    await expect(pool.take()).rejects.toBe(refused);
    expect(attempts).toBe(2);
    await pool.close();
  });
});

describe.skipIf(!hasOwnPostgres && process.env["CI"] !== "true")("a server of one's own", () => {
  let server: OwnPostgres;
  const opened: SharedDatabase[] = [];
  const open = (options: Partial<DatabaseOptions> = {}): SharedDatabase => {
    const database = new SharedDatabase({
      url: server.url,
      schema: "public",
      tls: undefined,
      application: "test",
      statementTimeout: 300,
      connectTimeout: 400,
      ...options,
    });
    opened.push(database);
    return database;
  };
  const one = (database: SharedDatabase): Promise<unknown> => database.query({ text: "SELECT 1 AS one" });
  const untilAnswered = async (database: SharedDatabase): Promise<void> => {
    for (const end = performance.now() + 10_000; performance.now() < end;) {
      if (
        await one(database).then(
          () => true,
          () => false,
        )
      )
        return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error("the database did not answer again");
  };

  beforeAll(async () => {
    server = await ownPostgres();
  }, 60_000);
  afterAll(async () => {
    await Promise.all(opened.map((database) => database.close()));
    await server.remove();
  });

  it("that restarts is used again, with all connections and notifications", { timeout: 30_000 }, async () => {
    const database = open();
    const heard: string[] = [];
    const { promise: connected, resolve } = Promise.withResolvers<void>();
    database.listen("news", (payload) => heard.push(payload), resolve);
    await connected;
    await Promise.all([one(database), one(database), one(database)]);
    await server.stop();
    await expect(one(database)).rejects.toThrow(DatabaseUnavailable);
    const again = Promise.withResolvers<void>();
    database.listen("news", () => undefined, again.resolve);
    await server.start();
    await untilAnswered(database);
    await again.promise;
    await database.query({ text: "SELECT pg_notify('news', 'after')" });
    for (const end = performance.now() + 5000; heard.length === 0 && performance.now() < end;)
      await new Promise((later) => setTimeout(later, 10));
    expect(heard).toEqual(["after"]);
  });

  it("that hangs costs a statement its time limit only, and its outcome is unknown", { timeout: 30_000 }, async () => {
    const database = open({ connections: 1 });
    await one(database);
    const goOn = await server.freeze();
    try {
      const begun = performance.now();
      const first = await database.query({ text: "SELECT 1" }).catch((error: unknown) => error);
      expect(first).toMatchObject({ name: "DatabaseUnavailable", mayHaveHappened: true });
      const second = await one(database).catch((error: unknown) => error);
      expect(second).toMatchObject({ name: "DatabaseUnavailable", mayHaveHappened: false });
      expect(performance.now() - begun).toBeLessThan(3000);
    } finally {
      goOn();
    }
    await untilAnswered(database);
  });

  it("ends a statement at its limit itself, so that the outcome is known", async () => {
    const database = open();
    const error = await database.query({ text: "SELECT pg_sleep(5)" }).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ name: "DatabaseUnavailable", mayHaveHappened: false });
    expect((error as Error).message).toContain("did not end in time");
  });

  it("that is read-only is passed over for the next one of the address", async () => {
    const admin = open();
    await admin.query({ text: "ALTER SYSTEM SET default_transaction_read_only = on" });
    await admin.query({ text: "SELECT pg_reload_conf()" });
    const alone = open();
    let why: unknown;
    for (const end = performance.now() + 5000; why === undefined && performance.now() < end;) {
      await one(open()).catch((error: unknown) => (why = error));
    }
    expect(why).toMatchObject({ name: "DatabaseUnavailable", mayHaveHappened: false });
    expect((why as Error).message).toBe("the server is read-only");
    const closed = `127.0.0.1:1,127.0.0.1:${server.port}`;
    const both = await one(open({ url: `postgresql://postgres@${closed}/postgres` })).catch((error: unknown) => error);
    expect((both as Error).message).toBe(
      `127.0.0.1:1: connection refused; 127.0.0.1:${server.port}: the server is read-only`,
    );
    const writer = new pg.Client({ connectionString: server.url });
    await writer.connect();
    await writer.query("SET default_transaction_read_only = off");
    await writer.query("ALTER SYSTEM RESET default_transaction_read_only");
    await writer.query("SELECT pg_reload_conf()");
    await writer.end();
    await untilAnswered(alone);
    await expect(
      one(open({ url: `postgresql://postgres@127.0.0.1:1,127.0.0.1:${server.port}/postgres` })),
    ).resolves.toEqual([{ one: 1 }]);
  });

  it("keeps a connection after a transaction that was given up, with nothing of it", async () => {
    const database = open({ connections: 1 });
    await database.query({ text: "CREATE TABLE IF NOT EXISTS kept (value int)" });
    const [before] = await database.query<{ pid: number }>({ text: "SELECT pg_backend_pid() AS pid" });
    const given = database.transaction(async (query) => {
      await query({ text: "INSERT INTO kept VALUES (1)" });
      throw new Error("given up");
    });
    await expect(given).rejects.toThrow("given up");
    expect(await database.query({ text: "SELECT pg_backend_pid() AS pid, (SELECT count(*)::int FROM kept)" })).toEqual([
      { pid: before!.pid, count: 0 },
    ]);
  });
});
