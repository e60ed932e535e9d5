/** A file as a reply that a client can continue after a lost connection. The file is read as the client takes it. */
import { open, type FileHandle } from "node:fs/promises";
import { headerOf, type Arrival, type BodyStream, type HeaderLine, type Reply } from "../../common/message.ts";
import { json } from "../replies.ts";
import { byteRange, type ByteRange } from "./byte-range.ts";

/** `etag`: strong, in quotes. The content never changes. */
export type DownloadFile = {
  readonly path: string;
  readonly size: number;
  readonly etag: string;
  /** For the client: ASCII without quotes. */
  readonly name: string;
};

const CHUNK = 256 << 10;
/** A client that takes no chunk for so long is disconnected. */
const SLOW_MS = 60_000;

/** 200 or 206 with the file, 416 for a range behind its end. Rejects if the file cannot be opened. */
export const fileReply = async (
  { path, size, etag, name }: DownloadFile,
  { headers, gone }: Pick<Arrival, "headers" | "gone">,
): Promise<Reply> => {
  const condition = headerOf(headers, "If-Range");
  const isSame = condition === undefined || condition === etag;
  const wanted = byteRange(isSame ? headerOf(headers, "Range") : undefined, size);
  const always: readonly HeaderLine[] = [
    ["Accept-Ranges", "bytes"],
    ["ETag", etag],
    ["Cache-Control", "no-store"],
  ];
  if (wanted === "unsatisfiable")
    return json(416, { error: `the file has ${size} bytes` }, [["Content-Range", `bytes */${size}`], always[0]!]);
  const range = wanted === "whole" ? { from: 0, to: size } : wanted;
  const file = await open(path, "r");
  return {
    status: wanted === "whole" ? 200 : 206,
    headers: [
      ["Content-Type", "application/octet-stream"],
      ["Content-Length", String(range.to - range.from)],
      ["Content-Disposition", `attachment; filename="${name}"`],
      // Its text comes from clients: no browser may take it for a page of this origin.
      ["Content-Security-Policy", "sandbox; default-src 'none'"],
      ["X-Content-Type-Options", "nosniff"],
      ...(wanted === "whole" ? [] : [["Content-Range", `bytes ${range.from}-${range.to - 1}/${size}`] as const]),
      ...always,
    ],
    body: new Uint8Array(0),
    stream: (to) => void send(file, range, { to, gone }),
  };
};

type Receiver = { readonly to: BodyStream; readonly gone: AbortSignal };

const send = async (file: FileHandle, { from, to: end }: ByteRange, { to, gone }: Receiver): Promise<void> => {
  try {
    for (let at = from; at < end && !gone.aborted;) {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(Math.min(CHUNK, end - at)), 0, undefined, at);
      // A shorter file than announced: the client must not take it for a whole one.
      if (bytesRead === 0 || !(await isTaken(to.write(buffer.subarray(0, bytesRead))))) return to.destroy();
      at += bytesRead;
    }
    if (gone.aborted) return to.destroy();
    to.end();
  } catch {
    to.destroy();
  } finally {
    await file.close().catch(() => undefined);
  }
};

const isTaken = async (written: Promise<void>): Promise<boolean> => {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), SLOW_MS).unref();
  const taken = await Promise.race([written.then(() => true), late.promise]);
  clearTimeout(timer);
  return taken;
};
