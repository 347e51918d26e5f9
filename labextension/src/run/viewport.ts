/** Which lines of a long log are seen: scrolling by pixels near by, by shares of the whole far away. */

/** Browsers make no element taller than about 17 million pixels. */
const TALLEST_PX = 12_000_000;
/** A scroll by more than this many views is a jump. */
const JUMP_VIEWS = 3;

/** What is at the top of the view: a line, and how much of it (pixels) is above the view. */
export interface Top {
  readonly line: number;
  readonly above: number;
}

/** How the log is laid out now. */
export interface Layout {
  readonly count: number;
  /** The height of the view (pixels). */
  readonly view: number;
  /** The height of a line that is not wrapped (pixels). */
  readonly row: number;
  /** Returns the height of a line (pixels), as far as is known. */
  readonly heightOf: (line: number) => number;
  /** The height of lines on average (pixels). */
  readonly average: number;
}

/** Return the height of the element that is scrolled (pixels). */
export function heightOf({ count, average, view }: Layout): number {
  return Math.max(view, Math.min(count * average, TALLEST_PX));
}

/** Return the top of the view when its bottom is the end of the log. */
export function bottomOf({ count, view, heightOf: height }: Layout): Top {
  let line = count;
  let missing = view;
  while (line > 0 && missing > 0) {
    line -= 1;
    missing -= height(line);
  }
  return { line, above: Math.max(0, -missing) };
}

/** Return the top after a scroll by some pixels. */
export function movedBy(top: Top, pixels: number, layout: Layout): Top {
  let { line } = top;
  let above = top.above + pixels;
  while (above < 0 && line > 0) {
    line -= 1;
    above += layout.heightOf(line);
  }
  while (line < layout.count - 1 && above >= layout.heightOf(line)) {
    above -= layout.heightOf(line);
    line += 1;
  }
  return within({ line, above: Math.max(0, above) }, layout);
}

/** Return the top that a place of the scroll bar means. */
export function topAt(scrollTop: number, layout: Layout): Top {
  const room = heightOf(layout) - layout.view;
  const bottom = bottomOf(layout);
  if (room <= 0 || scrollTop >= room) {
    return bottom;
  }
  const place = (scrollTop / room) * placeOf(bottom, layout);
  const line = Math.floor(place);
  return within(
    { line, above: (place - line) * layout.heightOf(line) },
    layout
  );
}

/** Return the place of the scroll bar that a top means. */
export function scrollTopOf(top: Top, layout: Layout): number {
  const whole = placeOf(bottomOf(layout), layout);
  const room = heightOf(layout) - layout.view;
  return whole <= 0 ? 0 : Math.min(1, placeOf(top, layout) / whole) * room;
}

/** Whether a scroll by so many pixels is one to somewhere else. */
export function isJump(pixels: number, { view }: Layout): boolean {
  return Math.abs(pixels) > JUMP_VIEWS * view;
}

/** Return a top at which a line is seen, the same if it is seen already. */
export function topFor(line: number, top: Top, layout: Layout): Top {
  const rows = Math.max(1, Math.floor(layout.view / layout.row));
  if (line > top.line && line < movedBy(top, layout.view, layout).line - 1) {
    return top;
  }
  return within(
    { line: Math.max(0, line - Math.floor(rows / 3)), above: 0 },
    layout
  );
}

/** Return a top above which and below which there is something to see. */
function within(top: Top, layout: Layout): Top {
  const bottom = bottomOf(layout);
  return placeOf(top, layout) > placeOf(bottom, layout) ? bottom : top;
}

/** Return how many lines are above the view, with the part of the one that is cut. */
function placeOf({ line, above }: Top, { heightOf: height }: Layout): number {
  return line + Math.min(1, above / Math.max(1, height(line)));
}
