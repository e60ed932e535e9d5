/**
 * A journal of many entries, made at once and without flushing: of intents with their outcomes and of refusals, by many
 * tenants, clients and numbers.
 */
import { createHash } from "node:crypto";
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import type { Entry } from "../../../src/journal/entry.ts";
import { writeLine } from "../../../src/journal/entry-line.ts";
import { paths } from "../../../src/journal/paths.ts";
import { writeMicros } from "../../../src/journal/time.ts";

const SEGMENT_BYTES = 64 << 20;
const CHUNK_BYTES = 1 << 20;
const BEGIN_MICROS = Date.parse("2026-11-01T00:00:00Z") * 1000;
const BETWEEN_MICROS = 200_000;

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** A ULID as the gateway makes them: ten characters of time, sixteen of chance. */
export const idOf = (number: number): string => {
  let time = "";
  for (
    let rest = (BEGIN_MICROS + 2 * number * BETWEEN_MICROS) / 1000, digit = 0;
    digit < 10;
    digit++, rest = Math.floor(rest / 32)
  )
    time = ALPHABET[Math.floor(rest) % 32] + time;
  return (
    time +
    [...createHash("sha256").update(`id ${number}`).digest().subarray(0, 16)]
      .map((byte) => ALPHABET[byte % 32])
      .join("")
  );
};

export const tokenOf = (number: number): string => `t1:${createHash("sha256").update(String(number)).digest("hex")}`;

const ACTIONS = ["DoNotCall", "AddRecord", "RecordProcessed", "RequestRecordCancel", "RecordReschedule"] as const;
const STATUSES = [200, 200, 200, 200, 200, 200, 200, 410, 400, 500] as const;

/**
 * Every request a number from 0; of every 50 the last is refused, every 5,000th gets no answer. `numbers`: how many
 * phones there are.
 */
export const entriesOf = (request: number, numbers: number): Entry[] => {
  const id = idOf(request);
  const dbid = 101 + (request % 20);
  const action = ACTIONS[request % ACTIONS.length]!;
  const phones = action === "DoNotCall" || action === "RequestRecordCancel";
  const asked = {
    id,
    tenant: { dbid, name: `Tenant ${dbid}` },
    client: `client-${dbid}-${request % 5}`,
    credential: { kind: "basic", id: `k${request % 7}` },
    source: `10.0.${request % 250}.7`,
    listener: "clients",
    resource: phones ? "phones" : "records",
    identifier: phones ? "······0100" : String(1 + (request % 90_000)),
    action,
  };
  const tokens = { phone: tokenOf(request % numbers) };
  if (request % 50 === 49)
    return [
      {
        kind: "refusal",
        ...asked,
        tokens,
        code: "OCSGW-2103",
        status: 403,
        delivery: "not-sent",
        detail: "the body names another tenant",
      },
    ];
  const waits = { queue_ms: (request % 997) / 10, ocs_ms: 3 + (request % 31), total_ms: 5 + (request % 131) };
  const lost = request % 5000 === 777;
  return [
    {
      kind: "intent",
      ...asked,
      body: { GSW_TENANT_DBID: dbid, GSW_CAMPAIGN_NAME: `Campaign ${request % 3}` },
      tokens,
      config_hash: "9f3c5e9f3c5e9f3c5e9f3c5e9f3c5e9f3c5e9f3c5e9f3c5e9f3c5e9f3c5e9f3c",
    },
    {
      kind: "outcome",
      id,
      delivery: lost ? "sent-no-answer" : "answered",
      origin: lost ? "gateway" : "ocs",
      status: lost ? 502 : STATUSES[request % STATUSES.length]!,
      code: lost ? "OCSGW-4102" : null,
      warning: null,
      waits,
      lane: `ocs-main/${1 + (request % 4)}`,
      endpoint: "https://ocs1.example.internal:8443",
    },
  ];
};

/** At least so many entries. Returns their number and that of the requests. */
export const writeSyntheticJournal = (
  dir: string,
  entries: number,
  numbers: number,
): { readonly entries: number; readonly requests: number } => {
  const at = paths(dir);
  mkdirSync(at.segments, { recursive: true });
  let [index, request, written, file] = [0, 0, SEGMENT_BYTES, -1];
  let chunk: string[] = [];
  let size = 0;
  const spill = (): void => {
    if (file >= 0) writeSync(file, chunk.join(""));
    [chunk, size] = [[], 0];
  };
  for (; index < entries; request++) {
    if (written >= SEGMENT_BYTES) {
      spill();
      if (file >= 0) closeSync(file);
      [file, written] = [openSync(at.segment(index), "w", 0o600), 0];
    }
    for (const entry of entriesOf(request, numbers)) {
      const line = `${writeLine(index, writeMicros(BEGIN_MICROS + index * BETWEEN_MICROS), entry)}\n`;
      chunk.push(line);
      size += line.length;
      written += line.length;
      index++;
    }
    if (size >= CHUNK_BYTES) spill();
  }
  spill();
  closeSync(file);
  return { entries: index, requests: request };
};
