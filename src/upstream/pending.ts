/** One request on its lane: what leaves, what has come of its answer, and what may be said of it when it ends here and now. */
import type { HeaderLine } from "../message.ts";
import { AnswerReader } from "./answer-reader.ts";
import { NoAnswer, type Request } from "./exchange.ts";

export type RawAnswer = {
  readonly status: number;
  readonly headers: readonly HeaderLine[];
  readonly body: Uint8Array;
  /** From the first byte sent to the last byte of the answer. */
  readonly ms: number;
  /** It may be another request's answer. */
  readonly suspected?: true;
};

/** An answer, a fault, or both: then the answer counts, and its connection is not to be used again. */
export type End = { readonly answer?: RawAnswer | undefined; readonly fault?: NoAnswer | undefined };

export class Pending {
  readonly request: Request;
  readonly resolve: (answer: RawAnswer) => void;
  readonly reject: (fault: NoAnswer) => void;
  /** Its first byte has left, or may have. */
  sent = false;
  readonly #reader = new AnswerReader();
  #sentAt = 0;

  constructor(request: Request, resolve: (answer: RawAnswer) => void, reject: (fault: NoAnswer) => void) {
    this.request = request;
    this.resolve = resolve;
    this.reject = reject;
  }

  begin(): void {
    this.sent = true;
    this.#sentAt = performance.now();
  }

  /** Bytes that came for it. Returns its end when it has one now; `isFlushed`: the request had left whole by then. */
  take(bytes: Buffer, isFlushed: boolean): End | undefined {
    try {
      this.#reader.take(bytes);
    } catch (error) {
      return this.#unfinished(garbled((error as Error).message));
    }
    return this.#reader.whole ? this.#finished(isFlushed) : undefined;
  }

  /** The connection has ended. */
  cut(): End {
    this.#reader.end();
    if (this.#reader.whole) return this.#finished(true);
    const nothing = this.#reader.received === 0;
    return this.#unfinished(
      nothing
        ? new NoAnswer("cut", true, "the connection to OCS ended after the request was sent")
        : garbled("what came back from OCS is not one whole HTTP answer"),
    );
  }

  /** Its time is up, in milliseconds. */
  late(timeout: number): End {
    return this.#unfinished(new NoAnswer("no-answer", true, `OCS did not answer within ${timeout} ms`));
  }

  /** Milliseconds for which OCS keeps the connection after its answer, where it says so. */
  get keptFor(): number | undefined {
    return this.#reader.head?.keptFor;
  }

  #finished(isFlushed: boolean): End {
    const { head, surplus, isEmpty } = this.#reader;
    const { fits, method } = this.request;
    if (this.#needsBody && head!.framing === "end")
      return this.#end(undefined, garbled("OCS's answer does not say where it ends"));
    if (this.#needsBody && fits?.(this.#reader.body) === false)
      return this.#end(undefined, garbled("OCS's answer is not the one that was asked for"));
    // OCS's positive answer to a POST has no body: with one it may be another request's answer, and its connection is not to be trusted.
    const odd = surplus || !head!.documented || !isFlushed || (method === "POST" && head!.status === 200 && !isEmpty);
    return this.#end(
      this.#answer(),
      odd ? garbled("more came from OCS than one answer in the shape of its request") : undefined,
    );
  }

  /** The outcome is the status: that is known once the header block is whole, also when the body's length lies. */
  #unfinished(fault: NoAnswer): End {
    return this.#end(this.#needsBody ? undefined : this.#answer(), fault);
  }

  /** Only a positive answer to a GET says what was asked for in its body. */
  get #needsBody(): boolean {
    return this.request.method === "GET" && this.#reader.head?.status === 200;
  }

  /** Undefined while its header block is not whole. */
  #answer(): RawAnswer | undefined {
    const { head, body } = this.#reader;
    return head && { status: head.status, headers: head.headers, body, ms: performance.now() - this.#sentAt };
  }

  #end(answer: RawAnswer | undefined, fault: NoAnswer | undefined): End {
    if (fault) fault.waits = { queue: 0, ocs: performance.now() - this.#sentAt };
    return { answer, fault };
  }
}

const garbled = (detail: string): NoAnswer => new NoAnswer("garbled", true, detail);
