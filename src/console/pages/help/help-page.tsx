/** Help: documentation and reference, without a network, with one search over all of it. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { looksPersonal } from "../../filter-text.ts";
import { handleKeys } from "../../keys.ts";
import { Empty, ErrorStrip, Skeleton } from "../../parts/states.tsx";
import { address, hrefOf, setQuery } from "../../router.ts";
import { S } from "../../strings.ts";
import { helpHref, SECTIONS, useContent, type Content, type Section } from "./content.ts";
import { DocView } from "./doc-view.tsx";
import { ReferencePart } from "./reference.tsx";
import { pageNamed } from "./page-named.ts";
import { MOST_SHOWN, search } from "../../../documentation/search.ts";
import "../evidence.css";
import "./help.css";

const { manual } = S;

type Props = { readonly params: Readonly<Record<string, string>> };

export const HelpPage = ({ params }: Props) => {
  const { content, error, again } = useContent();
  const section = SECTIONS.find((each) => each === params["section"]);
  const [text, setText] = useFind();
  const isUnknown = params["section"] !== undefined && section === undefined;
  return (
    <div class="help-page">
      <Search text={text} onInput={setText} />
      <Sections section={section} />
      <div class="help-content">
        {error !== undefined && <ErrorStrip error={error} retry={again} />}
        {!content && error === undefined && <Skeleton rows={12} />}
        {content && text.trim() !== "" && <Results content={content} text={text} />}
        {content && text.trim() === "" && !isUnknown && (
          <Shown content={content} section={section} name={params["name"]} />
        )}
        {isUnknown && text.trim() === "" && <Unknown />}
      </div>
    </div>
  );
};

/** After the last key press. */
const PAUSE_MS = 300;

/** The searched text, also in the address, so that a search can be shared. A phone number never gets there. */
const useFind = (): readonly [string, (text: string) => void] => {
  const { path, query } = address.value;
  const { find = "" } = query;
  const [text, setText] = useState(find);
  useEffect(() => setText(find), [find, path]);
  useEffect(() => {
    if (text === find || looksPersonal(text)) return;
    const timer = setTimeout(() => setQuery({ find: text }), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return [text, setText];
};

const Search = ({ text, onInput }: { readonly text: string; readonly onInput: (text: string) => void }) => {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => handleKeys({ filter: () => field.current?.select() }), []);
  return (
    <form class="help-search" role="search" aria-label={S.pages.help} onSubmit={(event) => event.preventDefault()}>
      <label class="field">
        <span class="field-label">{manual.search}</span>
        <input
          ref={field}
          type="search"
          autocomplete="off"
          spellcheck={false}
          value={text}
          onInput={({ currentTarget }) => onInput(currentTarget.value)}
        />
      </label>
    </form>
  );
};

const Sections = ({ section }: { readonly section: Section | undefined }) => (
  <nav class="help-sections" aria-label={manual.sections}>
    <ul>
      {SECTIONS.map((each) => (
        <li key={each}>
          <a href={helpHref(each)} {...(each === section && { "aria-current": "page" as const })}>
            {manual.names[each]}
          </a>
        </li>
      ))}
    </ul>
  </nav>
);

const Results = ({ content, text }: { readonly content: Content; readonly text: string }) => {
  const { count, shown } = useMemo(() => search(content.entries, text), [content, text]);
  if (count === 0)
    return (
      <Empty title={manual.none}>
        <p>{manual.noneHelp}</p>
      </Empty>
    );
  return (
    <>
      <p role="status">
        {manual.results(count)}
        {count > MOST_SHOWN && `. ${manual.most(MOST_SHOWN)}`}
      </p>
      <ul class="help-results">
        {shown.map(({ section, title, href, snippet }) => (
          <li key={`${section} ${title} ${href}`}>
            <a href={href}>{title}</a> <span class="muted">{manual.names[section]}</span>
            <p>{snippet}</p>
          </li>
        ))}
      </ul>
    </>
  );
};

type ShownProps = {
  readonly content: Content;
  readonly section: Section | undefined;
  readonly name: string | undefined;
};

const Shown = ({ content, section, name }: ShownProps) => {
  if (section === undefined) return <Overview content={content} />;
  if (section !== "docs") return <ReferencePart content={content} section={section} name={name} />;
  if (name === undefined) return <Pages content={content} />;
  const page = pageNamed(content.docs, name);
  return page ? <DocView page={page} at={address.value.query["at"]} /> : <Unknown />;
};

const Unknown = () => (
  <Empty title={manual.unknown}>
    <p>{manual.unknownHelp}</p>
  </Empty>
);

const Overview = ({ content }: { readonly content: Content }) => (
  <>
    <p class="muted">{manual.version(content.version)}</p>
    <dl class="help-overview">
      {SECTIONS.map((each) => (
        <div key={each}>
          <dt>
            <a href={helpHref(each)}>{manual.names[each]}</a>
          </dt>
          <dd>{manual.abouts[each]}</dd>
        </div>
      ))}
    </dl>
  </>
);

const Pages = ({ content }: { readonly content: Content }) => {
  const kinds = Map.groupBy(content.docs, ({ name }) => kindOf(name));
  return (Object.keys(manual.kinds) as Kind[]).map((kind) => (
    <section key={kind} aria-labelledby={`kind-${kind}`}>
      <h2 id={`kind-${kind}`}>{manual.kinds[kind]}</h2>
      <ul class="help-pages" aria-label={manual.kinds[kind]}>
        {kinds.get(kind)?.map(({ name, title }) => (
          <li key={name}>
            <a href={hrefOf(helpHref("docs", name))}>{title}</a>
          </li>
        ))}
      </ul>
    </section>
  ));
};

type Kind = keyof typeof manual.kinds;

const kindOf = (name: string): Kind => {
  const [folder = ""] = name.split("~");
  return name.includes("~") && folder in manual.kinds ? (folder as Kind) : "other";
};
