import { randomBytes, randomUUID } from 'node:crypto';
import type { Fault } from '../faults.ts';
import { drawCodeImage } from './code-image.ts';

export interface StockProduct {
  ref: string;
  name: string;
  platform: string;
  /** `WORLDWIDE`, or a country or union as two letters. */
  region: string;
  priceCents: number;
  stockCount: number;
  isPreOrder: boolean;
  updatedAt: Date;
}

export interface StockUnit {
  id: string;
  state: 'pending' | 'pre-order' | 'ready' | 'returned' | 'refunded' | 'cancelled';
  contentType: 'text/plain' | 'image/png';
  /** The code, or the base64 of its picture. */
  serial: string;
  deliveredAtMs: number | undefined;
  /** It was downloaded, so it can't be given back. */
  isClaimed: boolean;
}

export interface StockLine {
  product: StockProduct;
  /** What the supplier says was ordered; another one than `product` only by a fault. */
  answeredRef: string;
  quantity: number;
  requestPriceCents: number;
  unitPriceCents: number;
  units: StockUnit[];
}

export interface StockOrder {
  id: string;
  number: number;
  reference: string | undefined;
  status: 'open' | 'completed' | 'cancelled' | 'refunded';
  isPreOrder: boolean;
  orderedAt: Date;
  /** Before this no search shows it. */
  findableFromMs: number;
  isReturnAsked: boolean;
  /** Taken with the order, and in no price of a unit. */
  feeCents: number;
  lines: StockLine[];
}

export interface WantedLine {
  product: StockProduct;
  quantity: number;
  requestPriceCents: number;
  unitPriceCents: number;
}

const ordersMax = 20_000;
const returnWindowMs = 24 * 3_600_000;
const alphabet = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';

/** A code as they look: XXXXX-XXXXX-XXXXX. */
function makeCode(): string {
  const text = [...randomBytes(15)].map((byte) => alphabet[byte % alphabet.length] ?? 'A').join('');
  return `${text.slice(0, 5)}-${text.slice(5, 10)}-${text.slice(10)}`;
}

/** The shelf, the till and the order book of one supplier, whatever it speaks. */
export class Stock {
  readonly products = new Map<string, StockProduct>();
  /** Oldest first. */
  readonly orders = new Map<string, StockOrder>();
  readonly units = new Map<string, StockUnit>();
  balanceCents = 500_000;
  /** Told whenever an order's status may have changed. */
  onChange: (order: StockOrder) => void = () => undefined;
  readonly #makeOrderId: () => string;
  readonly #timers = new Set<NodeJS.Timeout>();
  #lastNumber = randomBytes(2).readUInt16BE() + 100_000;
  #lastCode: { contentType: StockUnit['contentType']; serial: string } | undefined;

  constructor(makeOrderId: () => string) {
    this.#makeOrderId = makeOrderId;
  }

  setProduct(product: Omit<StockProduct, 'updatedAt'>): StockProduct {
    const wasPreOrder = this.products.get(product.ref)?.isPreOrder ?? false;
    const stored = { ...product, updatedAt: new Date() };
    this.products.set(product.ref, stored);
    // The day of release: what was ordered before it is assigned.
    if (wasPreOrder && !product.isPreOrder)
      for (const order of this.orders.values())
        for (const line of order.lines) if (line.product.ref === product.ref) this.#deliver(order, line.units);
    return stored;
  }

  totalCents(order: StockOrder): number {
    return order.feeCents + order.lines.reduce((sum, line) => sum + line.unitPriceCents * line.quantity, 0);
  }

  /**
   * Takes an order that was checked: its stock, its money, and what will become of its units. Nothing waits inside, so two orders can't get
   * one unit. `readyAfterMs` is when this supplier usually hands the codes over, `undefined` for a pre-order.
   */
  place(
    wanted: { reference: string | undefined; lines: WantedLine[] },
    fault: Fault | undefined,
    readyAfterMs: number | undefined,
  ): StockOrder {
    const mode = fault?.mode;
    const delayMs = fault?.delayMs ?? 0;
    const isPreOrder = readyAfterMs === undefined || mode === 'pre-order';
    this.#lastNumber += 1;
    const order: StockOrder = {
      id: this.#makeOrderId(),
      number: this.#lastNumber,
      reference: wanted.reference,
      status: 'open',
      isPreOrder,
      orderedAt: new Date(),
      findableFromMs: Date.now() + (mode === 'hidden' ? delayMs : 0),
      isReturnAsked: false,
      feeCents: mode === 'extra-fee' ? Math.ceil((wanted.lines[0]?.unitPriceCents ?? 0) * 0.45) : 0,
      lines: wanted.lines.map((line) => {
        line.product.stockCount = Math.max(0, line.product.stockCount - line.quantity);
        line.product.updatedAt = new Date();
        const isImage = mode === 'image';
        return {
          ...line,
          unitPriceCents: mode === 'price-jump' ? line.unitPriceCents * 10 : line.unitPriceCents,
          answeredRef: mode === 'wrong-product' ? this.otherRef(line.product.ref) : line.product.ref,
          units: Array.from({ length: line.quantity + (mode === 'extra-unit' ? 1 : 0) }, () =>
            this.#makeUnit({ isPreOrder, isImage, mode }),
          ),
        };
      }),
    };
    this.orders.set(order.id, order);
    this.balanceCents -= this.totalCents(order);
    if (this.orders.size > ordersMax) this.#forgetOldest();

    const units = order.lines.flatMap((line) => line.units);
    for (const unit of units) this.units.set(unit.id, unit);
    if (mode === 'cancelled') {
      this.#later(delayMs, () => this.#cancel(order));
      this.#later(delayMs * 2, () => this.#refund(order));
    } else if (mode === 'late' || mode === 'pre-order') {
      this.#later(delayMs, () => this.#deliver(order, units));
    } else if (readyAfterMs !== undefined) {
      // The later half comes first: who goes by position mixes the units up.
      const split = mode === 'partial' ? Math.ceil(units.length / 2) : 0;
      this.#later(readyAfterMs, () => this.#deliver(order, units.slice(split)));
      if (split > 0) this.#later(readyAfterMs + delayMs, () => this.#deliver(order, units.slice(0, split)));
    }
    return order;
  }

  /** Takes back all that was not downloaded, and answers it; nothing when there is none, or it was asked before. */
  giveBack(order: StockOrder, settleAfterMs: number): StockUnit[] {
    if (order.isReturnAsked || order.isPreOrder) return [];
    const units = order.lines
      .flatMap((line) => line.units)
      .filter(
        ({ state, isClaimed, deliveredAtMs }) =>
          state === 'ready' && !isClaimed && Date.now() - (deliveredAtMs ?? 0) < returnWindowMs,
      );
    if (units.length === 0) return [];
    order.isReturnAsked = true;
    this.#takeBack(order, units, settleAfterMs);
    return units;
  }

  /** Another product than this one. */
  otherRef(ref: string): string {
    for (const other of this.products.keys()) if (other !== ref) return other;
    return ref;
  }

  /** Gives these units a code that was given before; the first code ever sold has none before it. */
  repeatCode(units: StockUnit[]): void {
    const delivered = [...this.orders.values()].flatMap(({ lines }) => lines.flatMap((line) => line.units));
    const earlier = delivered.find((other) => other.deliveredAtMs !== undefined && !units.includes(other));
    if (!earlier) return;
    for (const unit of units) {
      unit.contentType = earlier.contentType;
      unit.serial = earlier.serial;
    }
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  #makeUnit(options: { isPreOrder: boolean; isImage: boolean; mode: Fault['mode'] | undefined }): StockUnit {
    const contentType = options.isImage ? ('image/png' as const) : ('text/plain' as const);
    const code = makeCode();
    const made = { contentType, serial: options.isImage ? drawCodeImage(code) : code };
    const given = options.mode === 'duplicate-code' ? (this.#lastCode ?? made) : made;
    this.#lastCode = given;
    return {
      id: randomUUID(),
      state: options.isPreOrder ? 'pre-order' : 'pending',
      ...given,
      deliveredAtMs: undefined,
      isClaimed: false,
    };
  }

  #deliver(order: StockOrder, units: StockUnit[]): void {
    const open = units.filter(({ state }) => state === 'pending' || state === 'pre-order');
    for (const unit of open) {
      unit.state = 'ready';
      unit.deliveredAtMs = Date.now();
    }
    const all = order.lines.flatMap((line) => line.units);
    if (order.status === 'open' && all.every(({ state }) => state !== 'pending' && state !== 'pre-order'))
      order.status = 'completed';
    this.onChange(order);
    // What arrives after its return was asked for goes back too.
    if (order.isReturnAsked) this.#takeBack(order, open, 0);
  }

  #takeBack(order: StockOrder, units: StockUnit[], settleAfterMs: number): void {
    this.#later(settleAfterMs, () => {
      for (const unit of units) unit.state = 'returned';
    });
    this.#later(settleAfterMs * 2, () => {
      for (const line of order.lines)
        for (const unit of line.units) {
          if (!units.includes(unit)) continue;
          unit.state = 'refunded';
          this.balanceCents += line.unitPriceCents;
        }
      const all = order.lines.flatMap((line) => line.units);
      if (all.every(({ state }) => state === 'refunded')) order.status = 'refunded';
      this.onChange(order);
    });
  }

  #cancel(order: StockOrder): void {
    order.status = 'cancelled';
    for (const unit of order.lines.flatMap((line) => line.units)) unit.state = 'cancelled';
    this.onChange(order);
  }

  #refund(order: StockOrder): void {
    order.status = 'refunded';
    for (const unit of order.lines.flatMap((line) => line.units)) unit.state = 'refunded';
    this.balanceCents += this.totalCents(order);
    this.onChange(order);
  }

  #forgetOldest(): void {
    for (const [id, { lines }] of this.orders) {
      this.orders.delete(id);
      for (const unit of lines.flatMap((line) => line.units)) this.units.delete(unit.id);
      return;
    }
  }

  #later(delayMs: number, act: () => void): void {
    if (delayMs === 0) {
      act();
      return;
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, delayMs);
    timer.unref();
    this.#timers.add(timer);
  }
}
