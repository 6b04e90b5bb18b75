-- 对账总数 in a width that no bank day fills: an entry is bounded, and some ten thousand of the largest are more than a BIGINT holds. One process books for
-- all banks in the order of the feed, so a total without room for one more entry would end the booking of all of them.
ALTER TABLE booking_total MODIFY COLUMN amount DECIMAL(30, 0) NOT NULL COMMENT 'fen';
