// The page script's surroundings and types. page_script.py joins its files into one function, with constants before them.
declare const KEY: unique symbol;
/** Whether the page's own scripts may have run before. */
declare const LATE: boolean;
/** Characters that a reader does not see; see browser/invisible.py. */
declare const INVISIBLE: RegExp;

interface Window {
  /** The page script in another document of this origin. */
  [KEY]?: { peer: { listening: WeakSet<Node>; closedRoots: WeakMap<Node, ShadowRoot> } };
  /** On Chrome's own error pages: what went wrong. */
  loadTimeDataRaw?: { errorCode?: string };
}

/** An element of any kind; what only some kinds have is optional. */
interface El extends HTMLElement {
  accept?: string;
  alt?: string;
  autocomplete?: string;
  checked?: boolean;
  control?: El | null;
  disabled?: boolean;
  files?: FileList | null;
  indeterminate?: boolean;
  labels?: NodeListOf<HTMLLabelElement> | null;
  list?: Element | null;
  max?: string;
  maxLength?: number;
  min?: string;
  multiple?: boolean;
  name?: string;
  onclick: HTMLElement["onclick"];
  open?: boolean;
  options?: HTMLOptionsCollection;
  placeholder?: string;
  readOnly?: boolean;
  required?: boolean;
  select?: () => void;
  selectedIndex?: number;
  selectedOptions?: HTMLCollectionOf<HTMLOptionElement>;
  size?: number;
  type?: string;
  validationMessage?: string;
  value?: string;
}

// The script meets elements of every document and namespace and asks each only what its kind has.
interface ParentNode {
  querySelector(selectors: string): El | null;
  querySelectorAll(selectors: string): NodeListOf<El>;
}
interface Element {
  closest(selectors: string): El | null;
}
interface DocumentOrShadowRoot {
  elementFromPoint(x: number, y: number): El | null;
}
interface Node {
  getRootNode(options?: GetRootNodeOptions): (Document | ShadowRoot) & { host?: El };
}

type Point = { x: number; y: number };
type Edges = { left: number; top: number; right: number; bottom: number };
/** What surrounds an element. */
type Region = {
  /** Where it is in view. */
  clip: Edges;
  /** Where scrolling can bring it into view. */
  reach: Edges;
  /** Whether it is not in the flow of what is around it: it may be in view wherever that is scrolled to. */
  apart: boolean;
};
/** Depth, id, role, name, states, flags, list and item of the list. */
type Row = [number, string, string, string, string, number, number, number];
/** Name, tag, count, outer list and item of the outer list. */
type List = [string, string, number, number, number];
/** An element during a look, and what its ancestors lend it. */
type Seen = {
  el: El;
  tag: string;
  role: string;
  depth: number;
  style: CSSStyleDeclaration;
  /** Color behind it; empty when it is not known. */
  ground: string;
  /** Whether the pointer is a hand on it. */
  hand: boolean;
  /** Whether it cuts off what overflows it. */
  cuts: boolean;
  /** How much of it can be scrolled to, as the outline has it. */
  scroll: string;
};
/** What an action aims at. */
type Aimed = { el: El; focus: El | null; firstId: number };
/** What happened since an action began. */
type Watch = {
  observer: MutationObserver;
  /** Elements that were added or changed an attribute. */
  changed: Set<El>;
  /** Elements in which anything changed. */
  touched: Set<El>;
  /** Elements whose own text changed. */
  spoken: Set<El>;
  /** What was taken out of the document. */
  removed: Set<El | Text>;
  /** Elements whose state changed. */
  stateful: Set<El>;
  /** Texts in place of which others were put. */
  former: Set<string>;
  /** Texts that may not last, with the node that showed each. */
  moments: Map<string, Node>;
  /** How often each node changed. */
  stirs: Map<Node, { batches: number; records: number }>;
  /** How often the attributes of each did. */
  styled: Map<Node, { batches: number; records: number }>;
  /** Whether the action is done, so that what still changes may be the page's own business. */
  settling: boolean;
  /** What the browser says about fields. */
  complaints: string[];
  /** What fields held before. */
  values: Map<El, string>;
  /** Where areas were scrolled to before. */
  positions: Map<El, number>;
  count: number;
  last: number;
  /** When the action was over; 0 before that. */
  ended: number;
  /** Shadow roots that were met since it began. */
  shadows: number;
  requests: number;
};
type Wrapped = (native: Function, self: any, args: any[]) => unknown;
