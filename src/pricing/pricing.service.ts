import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { PoolClient } from 'pg';
import { InvalidRequestError, NotFoundError } from '../common/billing-error';
import { prefixedId } from '../common/id';
import { isUniqueViolation } from '../common/outage';
import { DatabaseService } from '../database/database.service';
import type { Quantities } from '../metering/usage';
import type { Endpoint, Model } from './model';
import { type Price, parseRates, type Rates, serializeRates } from './price';
import { PriceBook } from './price-book';
import { type Quote, quoteFor } from './quote';

/** Keeps the price book in memory, as every replica's changes announce themselves through PostgreSQL. */
@Injectable()
export class PricingService implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('Pricing');
  private book = new PriceBook([], []);
  private reloading: Promise<void> = Promise.resolve();
  private listener: PoolClient | undefined;
  private retry: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(private readonly database: DatabaseService) {}

  async onModuleInit(): Promise<void> {
    await this.listen();
  }

  onApplicationShutdown(): void {
    this.stopped = true;
    clearTimeout(this.retry);
    this.leave();
  }

  /** @throws NotFoundError `model_not_found` that lists the known models. */
  modelFor(id: string, endpoint: Endpoint, now = new Date()): Model {
    const model = this.book.model(id);
    if (model && model.endpoints.includes(endpoint) && this.book.priceAt(id, now)) return model;
    const models = this.offered(now)
      .filter((offer) => offer.model.endpoints.includes(endpoint))
      .map((offer) => offer.model.id);
    throw new NotFoundError({
      what: 'model',
      id,
      hint: `Models for ${endpoint}: ${models.join(', ') || 'none yet'}. Prices are at /v1/models.`,
      members: { models },
    });
  }

  /** Freezes the price in force now and the ceiling for the estimate. */
  quote(model: Model, estimate: Quantities, imageClass?: string, now = new Date()): Quote {
    const price = this.book.priceAt(model.id, now);
    if (!price) throw new NotFoundError({ what: 'model', id: model.id });
    return quoteFor(price, estimate, imageClass);
  }

  offered(now = new Date()): { model: Model; price: Price }[] {
    return this.book.offered(now);
  }

  /** Every model, also those that have no price yet. */
  configured(now = new Date()): { model: Model; price: Price | undefined }[] {
    return this.book.configured(now);
  }

  /** Makes or replaces a model; its prices stay. */
  async putModel(model: Model): Promise<void> {
    await this.database.query(
      `INSERT INTO models (id, endpoints, encoding, max_output_tokens, usage_convention, upstream_url, upstream_key_env, upstream_model, provider, answers_after_claim)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
       ON CONFLICT (id) DO UPDATE SET endpoints = $2, encoding = $3, max_output_tokens = $4, usage_convention = $5,
         upstream_url = $6, upstream_key_env = $7, upstream_model = $8, provider = $9, answers_after_claim = $10`,
      [
        model.id,
        model.endpoints,
        model.encoding,
        model.maxOutputTokens,
        model.usageConvention,
        model.upstreamUrl,
        model.upstreamKeyEnv,
        model.upstreamModel,
        model.provider,
        model.answersAfterClaim,
      ],
    );
    await this.reload();
  }

  /**
   * Adds the next version of a model's price, in force from `effectiveFrom`. Earlier invoices keep theirs.
   * @throws NotFoundError `model_not_found`, InvalidRequestError `price_exists` (409) for a second one at an instant.
   */
  async addPrice(modelId: string, rates: Rates, effectiveFrom = new Date()): Promise<Price> {
    const rows = await this.database
      .query<PriceRow>(
        `INSERT INTO prices (id, model_id, version, effective_from, rates)
         SELECT $1, models.id, (SELECT coalesce(max(version), 0) + 1 FROM prices WHERE model_id = $2), $3, $4
           FROM models WHERE models.id = $2 RETURNING *`,
        [prefixedId('price'), modelId, effectiveFrom, serializeRates(rates)],
      )
      .catch((error: unknown) => {
        throw isUniqueViolation(error) ? priceExists(modelId) : error;
      });
    if (!rows[0]) throw new NotFoundError({ what: 'model', id: modelId, hint: 'Make the model first.' });
    await this.reload();
    return toPrice(rows[0]);
  }

  /** Every version of a model's price, newest first. */
  async history(modelId: string): Promise<Price[]> {
    const rows = await this.database.query<PriceRow>(
      'SELECT * FROM prices WHERE model_id = $1 ORDER BY effective_from DESC',
      [modelId],
    );
    return rows.map(toPrice);
  }

  private async listen(): Promise<void> {
    try {
      const listener = await this.database.connect();
      this.listener = listener;
      listener.on('notification', () => void this.reload().catch((error) => this.logger.error(error)));
      listener.on('error', (error) => this.listenAgain(error));
      await listener.query('LISTEN prices');
      await this.reload();
    } catch (error) {
      this.listenAgain(error);
    }
  }

  /** The old book stays in use; quotes name their price version, so nothing is ever ambiguous. */
  private listenAgain(error: unknown): void {
    this.leave();
    if (this.stopped) return;
    this.logger.warn(`Price changes cannot be heard: ${String(error)}`);
    this.retry = setTimeout(() => void this.listen(), 1000);
  }

  private leave(): void {
    const { listener } = this;
    this.listener = undefined;
    listener?.release(true);
  }

  /** One after the other: what was read first must not replace what was read later. */
  private reload(): Promise<void> {
    this.reloading = this.reloading.then(
      () => this.readBook(),
      () => this.readBook(),
    );
    return this.reloading;
  }

  private async readBook(): Promise<void> {
    const models = await this.database.query<ModelRow>('SELECT * FROM models');
    const prices = await this.database.query<PriceRow>('SELECT * FROM prices');
    this.book = new PriceBook(models.map(toModel), prices.map(toPrice));
  }
}

const priceExists = (modelId: string): InvalidRequestError =>
  new InvalidRequestError({
    code: 'price_exists',
    status: 409,
    detail: `"${modelId}" was given another price for that instant.`,
    hint: 'Read the prices again; a correction takes effect later.',
  });

interface ModelRow {
  id: string;
  endpoints: Endpoint[];
  encoding: Model['encoding'];
  max_output_tokens: number;
  usage_convention: Model['usageConvention'];
  upstream_url: string | null;
  upstream_key_env: string | null;
  upstream_model: string | null;
  provider: string;
  answers_after_claim: Endpoint[];
}

interface PriceRow {
  id: string;
  model_id: string;
  version: number;
  effective_from: Date;
  rates: unknown;
}

const toModel = (row: ModelRow): Model => ({
  id: row.id,
  endpoints: row.endpoints,
  encoding: row.encoding,
  maxOutputTokens: row.max_output_tokens,
  usageConvention: row.usage_convention,
  upstreamUrl: row.upstream_url,
  upstreamKeyEnv: row.upstream_key_env,
  upstreamModel: row.upstream_model,
  provider: row.provider,
  answersAfterClaim: row.answers_after_claim,
});

const toPrice = (row: PriceRow): Price => ({
  id: row.id,
  modelId: row.model_id,
  version: row.version,
  effectiveFrom: row.effective_from,
  rates: parseRates(row.rates),
});
