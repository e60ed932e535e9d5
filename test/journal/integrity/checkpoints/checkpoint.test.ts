import { createHash, createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openJournal } from "../../../../src/journal/write/open-journal.ts";
import {
  createCheckpoints,
  loadOrCreateKey,
  signingKey,
} from "../../../../src/journal/integrity/checkpoints/checkpoint.ts";
import { verifierKey } from "../../../../src/journal/integrity/checkpoints/signed-note.ts";
import { leafHash, nodeHash, digestBytes } from "../../../../src/journal/integrity/merkle-tree.ts";
import { checkSignatures, readVerifierKeys, splitNote } from "../../../../src/journal/verify/signatures.ts";
import {
  ORIGIN,
  aDirectory,
  aJournal,
  aKey,
  anIntent,
  checkpointsOf,
  linesOf,
  openWithCheckpoints,
  removeDirectory,
} from "../../kit.ts";

let dir: string;
beforeEach(async () => {
  dir = await aDirectory();
});
afterEach(() => removeDirectory(dir));

describe("a checkpoint", () => {
  it("is a signed note that an independent implementation of the specification verifies", async () => {
    const key = aKey();
    const vkey = await aJournal(dir, key, { size: 3, checkpointsAt: [3] });
    const note = await readFile(join(dir, "checkpoints", "000000000003"), "utf8");

    // signed-note: text up to and with the newline before the last blank line; then "— <name> <base64(key id ||
    // signature)>".
    const [text, signatures] = [note.slice(0, note.lastIndexOf("\n\n") + 1), note.slice(note.lastIndexOf("\n\n") + 2)];
    const [dash, name, encoded] = signatures.replace(/\n$/, "").split(" ");
    expect([dash, name]).toEqual(["—", ORIGIN]);
    const raw = Buffer.from(createPublicKey(key).export({ format: "jwk" }).x!, "base64url");
    const id = createHash("sha256")
      .update(Buffer.concat([Buffer.from(`${ORIGIN}\n`), Buffer.of(1), raw]))
      .digest()
      .subarray(0, 4);
    const signature = Buffer.from(encoded!, "base64");
    expect(signature).toHaveLength(4 + 64);
    expect(signature.subarray(0, 4)).toEqual(id);
    expect(verify(null, Buffer.from(text), createPublicKey(key), signature.subarray(4))).toBe(true);
    expect(vkey).toBe(`${ORIGIN}+${id.toString("hex")}+${Buffer.concat([Buffer.of(1), raw]).toString("base64")}`);

    // tlog-checkpoint: origin, size, root.
    const [zero, one, two] = (await linesOf(dir, "000000000000.jsonl")).map((line) => leafHash(Buffer.from(line)));
    const root = digestBytes(nodeHash(nodeHash(zero!, one!), two!)).toString("base64");
    expect(text).toBe(`${ORIGIN}\n3\n${root}\n`);
  });

  it("is written only when there are new entries", async () => {
    const { journal, checkpoints } = await openWithCheckpoints(dir, aKey());
    await checkpoints.write();
    expect(await checkpointsOf(dir)).toEqual([]);
    await journal.append(anIntent(0));
    await checkpoints.write();
    await checkpoints.write();
    expect(await checkpointsOf(dir)).toEqual(["000000000001"]);
    expect(checkpoints.last().size).toBe(1);
    await journal.append(anIntent(1));
    await checkpoints.stop();
    expect((await checkpointsOf(dir)).toSorted()).toEqual(["000000000001", "000000000002"]);
    await journal.close();
  });

  it("is written at its interval", async () => {
    const journal = await openJournal({ dir, durability: "flush" });
    const checkpoints = await createCheckpoints(journal, { key: aKey(), origin: ORIGIN, everyMs: 5 });
    await journal.append(anIntent(0));
    await expect.poll(() => checkpointsOf(dir)).toEqual(["000000000001"]);
    await checkpoints.stop();
    await journal.close();
  });

  it("leaves one verifier key beside the journal, and adds that of a new key", async () => {
    const keys = [aKey(), aKey()];
    const vkeys: string[] = [];
    for (const [number, key] of [keys[0]!, keys[0]!, keys[1]!].entries()) {
      const { journal, checkpoints, close } = await openWithCheckpoints(dir, key);
      await journal.append(anIntent(number));
      vkeys.push(checkpoints.verifierKey);
      await close();
    }
    expect(await readFile(join(dir, "checkpoint.pub"), "utf8")).toBe(`${vkeys[1]}\n${vkeys[2]}\n`);
  });

  it.each(["", "two words", "a+b", "line\nbreak"])("cannot be signed in the name %o", async (origin) => {
    const journal = await openJournal({ dir, durability: "flush" });
    await expect(createCheckpoints(journal, { key: aKey(), origin, everyMs: 1000 })).rejects.toThrow("expected a name");
    await journal.close();
  });
});

describe("the verifier's reader of signed notes", () => {
  // A signature that was not made here: the checkpoint of Go's checksum database with its published key.
  const vkey = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
  const note =
    "go.sum database tree\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— sum.golang.org " +
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";

  it("verifies the note of another log", () => {
    expect(checkSignatures(splitNote(note)!, readVerifierKeys(vkey))).toMatchObject({ kind: "signed" });
  });

  it("rejects a note with one changed character, and ignores unknown keys", () => {
    expect(checkSignatures(splitNote(note.replace("20852163", "20852164"))!, readVerifierKeys(vkey))).toMatchObject({
      kind: "forged",
    });
    expect(checkSignatures(splitNote(note)!, [])).toEqual({ kind: "unknown", names: ["sum.golang.org"] });
  });

  it.each(["sum.golang.org+033de0af+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8", "no key", "a+00000000+AAAA"])(
    "does not accept %o as a verifier key",
    (line) => {
      expect(() => readVerifierKeys(line)).toThrow(/verifier key/);
    },
  );
});

describe("the checkpoint key", () => {
  it("is created once, in a file that only its owner can read", async () => {
    const path = join(dir, "secrets", "checkpoint.pem");
    const made = await loadOrCreateKey(path);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readFile(path, "utf8")).toMatch(/^-----BEGIN PRIVATE KEY-----/);
    expect((await loadOrCreateKey(path)).export({ format: "jwk" })).toEqual(made.export({ format: "jwk" }));
  });

  it("is the same for several processes that create it at once", async () => {
    const path = join(dir, "checkpoint.pem");
    const made = await loadOrCreateKey(path);
    expect(createPublicKey(await loadOrCreateKey(path)).export({ format: "jwk" })).toEqual(
      createPublicKey(made).export({ format: "jwk" }),
    );
  });

  it("is announced when it is created, and never replaces one that has signed", async () => {
    const [path, journal, origin] = [join(dir, "key.pem"), join(dir, "journal"), "test.example/journal"];
    const made: string[] = [];
    const ask = () => signingKey({ dir: journal, path, origin, made: (key) => made.push(key) });
    const own = verifierKey(origin, await ask());
    expect(made).toEqual([own]);
    await ask();
    expect(made).toEqual([own]);
    await mkdir(journal, { recursive: true });
    await writeFile(join(journal, "checkpoint.pub"), `test.example/journal+00000000+older\n${own}\n`);
    await rm(path);
    await expect(ask()).rejects.toThrow(
      `${path}, the key that signs the journal in ${journal}, is missing, and it is not replaced automatically. ` +
        `Restore it from a copy (verifier key ${own}).`,
    );
    await expect(stat(path)).rejects.toThrow();
    expect(made).toEqual([own]);
  });

  it("must be Ed25519", async () => {
    const path = join(dir, "checkpoint.pem");
    await writeFile(
      path,
      generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" }),
    );
    await expect(loadOrCreateKey(path)).rejects.toThrow("expected an Ed25519 key, found ec");
  });
});
