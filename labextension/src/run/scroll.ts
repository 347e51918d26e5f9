/** Scrolls one log in its element: what is at the top, whether its end is followed, how tall lines are. */
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { StreamLog } from './stream';
import {
  bottomOf,
  heightOf,
  isJump,
  movedBy,
  scrollTopOf,
  topAt,
  topFor
} from './viewport';
import type { Layout, Top } from './viewport';

/** How long after the last scroll the scroll bar may be set right. */
const SETTLED_MS = 150;
const OTHERWISE_ROW_PX = 17;
const OTHERWISE_CHARACTER_PX = 8;

export class Scroll implements IDisposable {
  constructor(private readonly _log: StreamLog) {}

  /** Emitted when other lines are to be drawn. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get top(): Top {
    return this._top;
  }

  /** The numbers of the lines to draw. */
  get drawn(): { from: number; to: number } {
    const rows = Math.ceil(this._view / this._row) + 2;
    return {
      from: this._top.line,
      to: Math.min(this._log.lines.count, this._top.line + rows)
    };
  }

  /** The height of the view (pixels). */
  get view(): number {
    return this._view;
  }

  /** The height of what is scrolled (pixels). */
  get height(): number {
    return heightOf(this._layout);
  }

  /** Whether the end is followed as it comes. */
  get follows(): boolean {
    return this._follows;
  }

  set follows(follows: boolean) {
    this._follows = follows;
    this.refresh();
  }

  /** Whether more may come, so that there is something to follow. */
  mayFollow = false;

  get wraps(): boolean {
    return this._wraps;
  }

  set wraps(wraps: boolean) {
    this._wraps = wraps;
    this._heights.clear();
    this._scrolledAt = 0;
    this.refresh();
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Whether the end is (nearly) seen. */
  get isAtEnd(): boolean {
    const bottom = bottomOf(this._layout);
    return this._top.line >= bottom.line;
  }

  /** Work in an element, with a probe in it that is one row of `probe` characters. */
  attach(scroller: HTMLElement, probe: HTMLElement, characters: number): void {
    this._scroller = scroller;
    const { signal } = this._detaching;
    scroller.addEventListener('scroll', this._onScroll, {
      signal,
      passive: true
    });
    scroller.addEventListener(
      'wheel',
      event => {
        if (event.deltaY < 0 && this._follows) {
          this.follows = false;
        }
      },
      { signal, passive: true }
    );
    scroller.addEventListener('keydown', this._onKey, { signal });
    this._observer = new ResizeObserver(() => {
      this._view = scroller.clientHeight;
      this._width = scroller.clientWidth;
      const { width, height } = probe.getBoundingClientRect();
      this._row = height || OTHERWISE_ROW_PX;
      this._character = width / characters || OTHERWISE_CHARACTER_PX;
      this._heights.clear();
      this._scrolledAt = 0;
      this.refresh();
    });
    this._observer.observe(scroller);
    this._observer.observe(probe);
  }

  dispose(): void {
    this._isDisposed = true;
    this._detaching.abort();
    this._observer?.disconnect();
    clearTimeout(this._timer);
    Signal.clearData(this);
  }

  /** Draw again, as there is more or another size. */
  refresh(): void {
    const layout = this._layout;
    this._top = this._follows
      ? bottomOf(layout)
      : movedBy(this._top, 0, layout);
    this._changed.emit();
  }

  /** Scroll so that a line is seen. */
  show(line: number): void {
    this._follows = false;
    this._scrolledAt = 0;
    this._top = topFor(line, this._top, this._layout);
    this._changed.emit();
  }

  /** Scroll by some pixels. */
  moveBy(pixels: number): void {
    this._scrolledAt = 0;
    this._follows &&= pixels >= 0;
    this._top = movedBy(this._top, pixels, this._layout);
    this._changed.emit();
  }

  /** Note how tall drawn lines are, and set the scroll bar right; returns whether to draw again. */
  settle(heights: ReadonlyMap<number, number>): void {
    const scroller = this._scroller;
    if (this._wraps) {
      for (const [line, height] of heights) {
        this._heights.set(line, height);
      }
    }
    if (!scroller || !this._mayTouch) {
      return;
    }
    const wanted = scrollTopOf(this._top, this._layout);
    if (Math.abs(scroller.scrollTop - wanted) >= 1) {
      scroller.scrollTop = wanted;
    }
    this._scrollTop = scroller.scrollTop;
  }

  private get _mayTouch(): boolean {
    return this._follows || Date.now() - this._scrolledAt > SETTLED_MS;
  }

  private readonly _onScroll = () => {
    const { scrollTop = 0 } = this._scroller ?? {};
    const pixels = scrollTop - this._scrollTop;
    if (Math.abs(pixels) < 1) {
      return;
    }
    const layout = this._layout;
    this._scrollTop = scrollTop;
    this._scrolledAt = Date.now();
    const isExact =
      !this._wraps && layout.count * layout.average <= this.height;
    this._top =
      isExact || isJump(pixels, layout)
        ? topAt(scrollTop, layout)
        : movedBy(this._top, pixels, layout);
    this._follows = pixels > 0 && this.mayFollow && this.isAtEnd;
    this._changed.emit();
    clearTimeout(this._timer);
    this._timer = setTimeout(() => {
      this.settle(new Map());
    }, SETTLED_MS + 20);
  };

  private readonly _onKey = (event: KeyboardEvent) => {
    if (event.key !== 'Home' && event.key !== 'End') {
      return;
    }
    event.preventDefault();
    const layout = this._layout;
    this._scrolledAt = 0;
    this._follows = event.key === 'End' && this.mayFollow;
    this._top = event.key === 'End' ? bottomOf(layout) : { line: 0, above: 0 };
    this._changed.emit();
  };

  private get _layout(): Layout {
    const row = this._row;
    let average = row;
    if (this._wraps && this._heights.size > 0) {
      let sum = 0;
      for (const height of this._heights.values()) {
        sum += height;
      }
      average = sum / this._heights.size;
    }
    return {
      count: this._log.lines.count,
      view: this._view,
      row,
      average,
      heightOf: this._wraps ? line => this._wrappedHeight(line) : () => row
    };
  }

  private _wrappedHeight(line: number): number {
    const known = this._heights.get(line);
    if (known !== undefined) {
      return known;
    }
    const spans = this._log.row(line)?.spans ?? [];
    const length = spans.reduce((sum, { text }) => sum + text.length, 0);
    const columns = Math.max(1, Math.floor(this._width / this._character));
    return Math.max(1, Math.ceil(length / columns)) * this._row;
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _detaching = new AbortController();
  private readonly _heights = new Map<number, number>();
  private _observer: ResizeObserver | undefined;
  private _scroller: HTMLElement | undefined;
  private _top: Top = { line: 0, above: 0 };
  private _follows = false;
  private _wraps = false;
  private _isDisposed = false;
  private _view = 0;
  private _width = 0;
  private _row = OTHERWISE_ROW_PX;
  private _character = OTHERWISE_CHARACTER_PX;
  private _scrollTop = 0;
  private _scrolledAt = 0;
  private _timer: ReturnType<typeof setTimeout> | undefined;
}
