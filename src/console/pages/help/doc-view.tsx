/** A page of the documentation. It is a tree of texts, so nothing in it can be executed. */
import { useEffect } from "preact/hooks";
import type { Block, Cell, DocPage, Inline } from "../../../documentation/tree.ts";
import { textOf } from "../../../documentation/plain-text.ts";
import { TableFrame } from "../../parts/data/table-frame.tsx";

/** `at`: the id of a heading to scroll to. */
export const DocView = ({ page, at }: { readonly page: DocPage; readonly at: string | undefined }) => {
  useEffect(() => {
    const heading = at === undefined ? null : document.getElementById(idOf(at));
    heading?.scrollIntoView();
    heading?.focus({ preventScroll: true });
  }, [page, at]);
  return (
    <article class="doc" aria-label={page.title}>
      <Blocks of={page.blocks} />
    </article>
  );
};

/** Apart from the ids of the frame. */
const idOf = (heading: string): string => `doc-${heading}`;

const Blocks = ({ of }: { readonly of: readonly Block[] }) => (
  <>
    {of.map((block, place) => (
      <One key={place} block={block} />
    ))}
  </>
);

const One = ({ block }: { readonly block: Block }) => {
  switch (block[0]) {
    case "heading":
      return <Heading level={block[1]} id={block[2]} inline={block[3]} />;
    case "text":
      return (
        <p>
          <Text of={block[1]} />
        </p>
      );
    case "pre":
      return (
        <pre class="command" tabIndex={0}>
          {block[1]}
        </pre>
      );
    case "list":
      return <List isOrdered={block[1] === "ordered"} items={block[2]} />;
    case "table":
      return <Table head={block[1]} rows={block[2]} />;
    case "quote":
      return (
        <blockquote>
          <Blocks of={block[1]} />
        </blockquote>
      );
    case "rule":
      return <hr />;
  }
};

type HeadingProps = { readonly level: number; readonly id: string; readonly inline: readonly Inline[] };

/** The page's own title is the second level: the first is the console's. */
const Heading = ({ level, id, inline }: HeadingProps) => {
  const given = { id: idOf(id), tabIndex: -1 };
  const text = <Text of={inline} />;
  if (level === 1) return <h2 {...given}>{text}</h2>;
  return level === 2 ? <h3 {...given}>{text}</h3> : <h4 {...given}>{text}</h4>;
};

type ListProps = { readonly isOrdered: boolean; readonly items: readonly (readonly Block[])[] };

const List = ({ isOrdered, items }: ListProps) => {
  const all = items.map((item, place) => <li key={place}>{<Item blocks={item} />}</li>);
  return isOrdered ? <ol>{all}</ol> : <ul>{all}</ul>;
};

/** A short item is its text alone. */
const Item = ({ blocks }: { readonly blocks: readonly Block[] }) => {
  const [first, ...rest] = blocks;
  if (first?.[0] !== "text") return <Blocks of={blocks} />;
  return (
    <>
      <Text of={first[1]} />
      <Blocks of={rest} />
    </>
  );
};

type TableProps = { readonly head: readonly Cell[]; readonly rows: readonly (readonly Cell[])[] };

const Table = ({ head, rows }: TableProps) => (
  <TableFrame label={head.map(textOf).join(", ")}>
    <table class="plain-table">
      <thead>
        <tr>
          {head.map((cell, place) =>
            cell.length === 0 ? (
              <td key={place} />
            ) : (
              <th key={place} scope="col">
                <Text of={cell} />
              </th>
            ),
          )}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, place) => (
          <tr key={place}>
            {row.map((cell, column) => (
              <td key={column} class="doc-cell">
                <Text of={cell} />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </TableFrame>
);

const Text = ({ of }: { readonly of: readonly Inline[] }) => (
  <>
    {of.map((each, place) => (
      <Part key={place} inline={each} />
    ))}
  </>
);

const Part = ({ inline }: { readonly inline: Inline }) => {
  if (typeof inline === "string") return <>{inline}</>;
  switch (inline[0]) {
    case "code":
      return <code>{inline[1]}</code>;
    case "strong":
      return (
        <strong>
          <Text of={inline[1]} />
        </strong>
      );
    case "em":
      return (
        <em>
          <Text of={inline[1]} />
        </em>
      );
    case "link":
      return (
        <a href={inline[1]}>
          <Text of={inline[2]} />
        </a>
      );
  }
};
