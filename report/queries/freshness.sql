SELECT f.*
FROM audit.freshness f
