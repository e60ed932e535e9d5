/** A request in flight: collects its answer, and determines the result when the exchange ends. */
import type { HeaderLine } from "../../common/message.ts";
import { AnswerReader } from "../http/answer-reader.ts";
import { UpstreamError, type Request } from "../types.ts";

export type RawAnswer = {
  readonly status: number;
  readonly headers: readonly HeaderLine[];
  readonly body: Uint8Array;
  /** Milliseconds from the first byte sent to the last byte of the answer. */
  readonly ms: number;
  /** The answer may belong to another request. */
  readonly suspected?: true;
};

/** An answer, a fault, or both. With both, the answer is valid, but the connection must not be used again. */
export type ExchangeEnd = { readonly answer?: RawAnswer | undefined; readonly fault?: UpstreamError | undefined };

export class InFlight {
  readonly request: Request;
  readonly resolve: (answer: RawAnswer) => void;
  readonly reject: (fault: UpstreamError) => void;
  /** True if the first byte was sent, or may have been. */
  sent = false;
  readonly #reader = new AnswerReader();
  #sentAt = 0;

  constructor(request: Request, resolve: (answer: RawAnswer) => void, reject: (fault: UpstreamError) => void) {
    this.request = request;
    this.resolve = resolve;
    this.reject = reject;
  }

  markSent(): void {
    this.sent = true;
    this.#sentAt = performance.now();
  }

  /** Reads bytes of the answer. Returns the end of the exchange when known. `isFlushed`: the whole request was sent. */
  receive(bytes: Buffer, isFlushed: boolean): ExchangeEnd | undefined {
    try {
      this.#reader.read(bytes);
    } catch (error) {
      return this.#incomplete(malformed((error as Error).message));
    }
    return this.#reader.isComplete ? this.#complete(isFlushed) : undefined;
  }

  /** The result if the connection was closed. */
  connectionLost(): ExchangeEnd {
    this.#reader.end();
    if (this.#reader.isComplete) return this.#complete(true);
    return this.#incomplete(
      this.#reader.received === 0
        ? new UpstreamError("connection-lost", true, "the connection to OCS ended after the request was sent")
        : malformed("the connection to OCS ended before its answer was complete"),
    );
  }

  /** The result if OCS has not answered within `timeout` milliseconds. */
  timedOut(timeout: number): ExchangeEnd {
    return this.#incomplete(new UpstreamError("no-answer", true, `OCS did not answer within ${timeout} ms`));
  }

  /** Milliseconds for which OCS keeps the connection after its answer; undefined when it does not say. */
  get keepAliveMs(): number | undefined {
    return this.#reader.head?.keepAliveMs;
  }

  #complete(isFlushed: boolean): ExchangeEnd {
    const { head, hasSurplus, isEmpty } = this.#reader;
    const { fits, method } = this.request;
    if (this.#needsBody && head!.framing === "end")
      return this.#end(undefined, malformed("OCS's answer announces no length, so it may be incomplete"));
    if (this.#needsBody && fits?.(this.#reader.body) === false)
      return this.#end(undefined, malformed("OCS's answer is not an answer to this request"));
    // OCS's positive answers to POSTs have no body: one with a body may belong to another request.
    const isSuspect =
      hasSurplus || !head!.isDocumented || !isFlushed || (method === "POST" && head!.status === 200 && !isEmpty);
    return this.#end(this.#answer(), isSuspect ? malformed(MISFIT) : undefined);
  }

  /** The status is valid once the header block is complete, even if the body has another length than announced. */
  #incomplete(fault: UpstreamError): ExchangeEnd {
    return this.#end(this.#needsBody ? undefined : this.#answer(), fault);
  }

  /** True for a positive answer to a GET: only its body is needed. */
  get #needsBody(): boolean {
    return this.request.method === "GET" && this.#reader.head?.status === 200;
  }

  /** Undefined until the header block is complete. */
  #answer(): RawAnswer | undefined {
    const { head, body } = this.#reader;
    return head && { status: head.status, headers: head.headers, body, ms: performance.now() - this.#sentAt };
  }

  #end(answer: RawAnswer | undefined, fault: UpstreamError | undefined): ExchangeEnd {
    if (fault) fault.waits = { queue: 0, ocs: performance.now() - this.#sentAt };
    return { answer, fault };
  }
}

const MISFIT = "OCS's answer does not fit its request and may belong to another one; the connection was closed";
const malformed = (detail: string): UpstreamError => new UpstreamError("malformed-response", true, detail);
