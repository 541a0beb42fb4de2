import type { TopUpsPart } from '../topups-part.providers';
import { SavedCardsClient } from './saved-cards.client';
import { SavedCardsController } from './saved-cards.controller';
import { SavedCardsService } from './saved-cards.service';

export const CARDS: TopUpsPart = {
  providers: [SavedCardsClient, SavedCardsService],
  controllers: [SavedCardsController],
};
