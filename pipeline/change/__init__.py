"""Two audits of the same photographs: what changed, and is it more than noise?"""
