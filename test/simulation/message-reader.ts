/** Reads the gateway's requests off a connection, as an OCS does: a head, and as many bytes as it announces. */
export type Message = {
  readonly method: string;
  readonly handle: number;
  readonly action: string;
  /** The request's own mark, which its client put into it. */ readonly mark: string;
};

const HEAD_END = "\r\n\r\n";
const REQUEST = /^(GET|POST) \/records\/(\d+)\?req=(\w+) HTTP\/1\.1\r\n/;

export class MessageReader {
  #text = "";

  /** The message, once it is whole. */
  take(bytes: Buffer): Message | undefined {
    this.#text += bytes.toString("latin1");
    const end = this.#text.indexOf(HEAD_END);
    if (end < 0) return undefined;
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(this.#text.slice(0, end))?.[1] ?? 0);
    const start = end + HEAD_END.length;
    if (this.#text.length < start + length) return undefined;
    const [, method, handle, action] = REQUEST.exec(this.#text) ?? [];
    const body = this.#text.slice(start, start + length);
    this.#text = this.#text.slice(start + length);
    const { SIM_MARK: mark = "" } = (body === "" ? {} : JSON.parse(body)) as { SIM_MARK?: string };
    return { method: method!, handle: Number(handle), action: action!, mark };
  }
}
