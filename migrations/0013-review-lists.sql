-- The reviewers' list is read page by page in the order of registration, narrowed by one thing or another: each has its own index that ends in the id, and
-- what several narrow the server intersects.
ALTER TABLE agreement
  DROP KEY by_review_office,
  ADD KEY by_review_office (review, office_code, id),
  ADD KEY by_review_bank (review, bank_code, id),
  ADD KEY by_review_likeness (review, likeness, id),
  ADD KEY by_review_since (review, state_since, id);
